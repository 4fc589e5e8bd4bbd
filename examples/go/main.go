// A Gatehouse tool service in Go. This file is the server around it: health, signals and a clean shutdown.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"example.com/kitchen/toolv1"
)

// How long calls that run have to end after SIGTERM.
const shutdownGrace = 10 * time.Second

func main() {
	host := flag.String("host", "127.0.0.1", "address to listen on")
	port := flag.Int("port", 50062, "port to listen on; 0 for any free one")
	minute := flag.Duration("minute", 200*time.Millisecond, "how long a minute of baking takes")
	flag.Parse()
	if err := serve(fmt.Sprintf("%s:%d", *host, *port), NewKitchen(*minute)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve answers calls until SIGTERM or SIGINT, then lets running calls end.
func serve(address string, kitchen *Kitchen) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	toolv1.RegisterToolServiceServer(server, kitchen)
	// The edge sends calls only to servers that say SERVING; Kubernetes asks the same service.
	healthServer := health.NewServer()
	healthpb.RegisterHealthServer(server, healthServer)

	go func() {
		<-ctx.Done()
		healthServer.Shutdown()
		kitchen.Stop()
		timer := time.AfterFunc(shutdownGrace, server.Stop)
		defer timer.Stop()
		server.GracefulStop()
	}()
	logEvent("serving", map[string]any{"address": listener.Addr().String()})
	if err := server.Serve(listener); err != nil {
		return err
	}
	logEvent("stopped", nil)
	return nil
}

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
	"google.golang.org/grpc/credentials"
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
	audience := flag.String("audience", "kitchen", "what the edge's tool services file calls this service")
	keys := flag.String("principal_keys", "http://127.0.0.1:9090/jwks.json", "http URL or file of the edge's JWK Set")
	issuer := flag.String("principal_issuer", "", "the edge's public MCP URL; empty: whichever has published its key there")
	unsigned := flag.String("unsigned_principals", "refuse", "refuse, or accept: believe whoever calls")
	tlsFlags := securityFlags()
	flag.Parse()
	transport, err := tlsFlags.credentials(*host)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var verifier *PrincipalVerifier
	switch *unsigned {
	case "refuse":
		verifier = &PrincipalVerifier{Audience: *audience, Issuer: *issuer, Keys: *keys}
	case "accept":
	default:
		fmt.Fprintf(os.Stderr, "-unsigned_principals must be refuse or accept, got %q\n", *unsigned)
		os.Exit(2)
	}
	if err := serve(fmt.Sprintf("%s:%d", *host, *port), NewKitchen(*minute), verifier, transport); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve answers calls until SIGTERM or SIGINT, then lets running calls end. A nil verifier believes whoever calls,
// nil credentials mean clear text.
func serve(address string, kitchen *Kitchen, verifier *PrincipalVerifier, transport credentials.TransportCredentials) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	var options []grpc.ServerOption
	if verifier != nil {
		options = verifier.Interceptors()
	}
	if transport != nil {
		options = append(options, grpc.Creds(transport))
	}
	server := grpc.NewServer(options...)
	toolv1.RegisterToolServiceServer(server, kitchen)
	// The edge sends calls only to servers that say SERVING; Kubernetes asks the same service.
	healthServer := health.NewServer()
	healthpb.RegisterHealthServer(server, healthServer)
	serve := func() {
		healthServer.SetServingStatus("", healthpb.HealthCheckResponse_SERVING)
		logEvent("ready", nil)
	}
	if verifier == nil {
		serve()
	} else {
		// It can take no call before it has the edge's keys, but the edge may have the catalogue.
		healthServer.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
		go func() {
			verifier.WaitForKeys(ctx)
			if ctx.Err() == nil {
				serve()
			}
		}()
	}

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

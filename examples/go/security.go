package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"

	"google.golang.org/grpc/credentials"
)

// security says how the gRPC port is secured: TLS from files, or clear text where that is safe or was asked for. The flags
// of every Gatehouse service.
type security struct {
	mode, certFile, keyFile, caFile string
}

func securityFlags() *security {
	s := &security{}
	flag.StringVar(&s.mode, "grpc_security", "auto",
		"tls, plaintext, or auto: TLS if the files are named, otherwise clear text on loopback only")
	flag.StringVar(&s.certFile, "tls_cert_file", "",
		"PEM file with the certificate, its chain after it; read again for each connection")
	flag.StringVar(&s.keyFile, "tls_key_file", "", "PEM file with its private key")
	flag.StringVar(&s.caFile, "tls_ca_file", "", "PEM file with the authorities that clients must have a certificate of")
	return s
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// credentials gives those of a server that listens on host, or nil for clear text; its error says what flag to set.
func (s *security) credentials(host string) (credentials.TransportCredentials, error) {
	anyFile := s.certFile != "" || s.keyFile != "" || s.caFile != ""
	switch {
	case s.mode != "auto" && s.mode != "tls" && s.mode != "plaintext":
		return nil, fmt.Errorf("-grpc_security must be auto, tls or plaintext, got %q", s.mode)
	case s.mode == "plaintext" && anyFile:
		return nil, errors.New("-grpc_security=plaintext uses no certificates")
	case s.mode == "plaintext", s.mode == "auto" && !anyFile && isLoopback(host):
		return nil, nil
	case s.mode == "auto" && !anyFile:
		return nil, fmt.Errorf("-host=%s can be reached from outside, in clear text: set -tls_cert_file and -tls_key_file, "+
			"or say -grpc_security=plaintext if you trust the network", host)
	case s.certFile == "" || s.keyFile == "":
		return nil, errors.New("TLS needs -tls_cert_file and -tls_key_file")
	}
	if _, err := s.load(nil); err != nil {
		return nil, err
	}
	return credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: s.load}), nil
}

// load reads the files as they are now.
func (s *security) load(*tls.ClientHelloInfo) (*tls.Config, error) {
	certificate, err := tls.LoadX509KeyPair(s.certFile, s.keyFile)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2"}}
	if s.caFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(s.caFile)
	if err != nil {
		return nil, err
	}
	config.ClientCAs, config.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !config.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", s.caFile)
	}
	return config, nil
}

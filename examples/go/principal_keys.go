package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	maxKeySetBytes   = 64 << 10
	minFetchInterval = time.Second
	fetchTimeout     = 3 * time.Second
)

// keySet holds public keys by their ids.
type keySet map[string]*ecdsa.PublicKey

// refreshInterval says how long keys are believed before another look at where they are published.
func refreshInterval(location string) time.Duration {
	if strings.Contains(location, "://") {
		return 5 * time.Minute
	}
	return 5 * time.Second
}

// loadKeys reads the keys at location, an http URL or a file. Every address of the URL's host is asked: each edge may have
// a key of its own.
func loadKeys(location string) (keySet, error) {
	if !strings.Contains(location, "://") {
		text, err := os.ReadFile(location)
		if err != nil {
			return nil, err
		}
		return parseKeySet(text)
	}
	where, err := url.Parse(location)
	if err != nil {
		return nil, err
	}
	if where.Scheme != "http" {
		return nil, fmt.Errorf("%s is no http URL", location)
	}
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, where.Hostname())
	if err != nil {
		return nil, err
	}
	type answer struct {
		keys keySet
		err  error
	}
	answers := make(chan answer, len(addresses))
	for _, address := range addresses {
		go func(address string) {
			keys, err := fetchKeys(where, address)
			answers <- answer{keys, err}
		}(address)
	}
	all := make(keySet)
	for range addresses {
		one := <-answers
		for keyID, key := range one.keys {
			all[keyID] = key
		}
		if one.err != nil {
			err = one.err
		}
	}
	if len(all) > 0 {
		return all, nil
	}
	return nil, err
}

// fetchKeys asks one address. A redirection is no answer.
func fetchKeys(where *url.URL, address string) (keySet, error) {
	port := where.Port()
	if port == "" {
		port = "80"
	}
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(address, port))
	}
	client := http.Client{
		Timeout:       fetchTimeout,
		Transport:     &http.Transport{DialContext: dial, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Get(where.String())
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: HTTP status %d", address, response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxKeySetBytes+1))
	if err != nil {
		return nil, err
	}
	return parseKeySet(text)
}

// parseKeySet takes the keys of a JWK Set (RFC 7517) that are ours to use, and leaves the others.
func parseKeySet(text []byte) (keySet, error) {
	if len(text) > maxKeySetBytes {
		return nil, errors.New("the JWK Set is too large")
	}
	document, err := parseObject(text)
	if err != nil {
		return nil, fmt.Errorf("the JWK Set is no JSON object: %w", err)
	}
	jwks, _ := member[[]json.RawMessage](document, "keys")
	keys := make(keySet)
	for _, text := range jwks {
		jwk, err := parseObject(text)
		if err != nil || jwk.text("kty") != "EC" || jwk.text("crv") != "P-256" || jwk.text("kid") == "" ||
			(jwk["alg"] != nil && jwk.text("alg") != "ES256") || (jwk["use"] != nil && jwk.text("use") != "sig") {
			continue
		}
		x, errX := base64.RawURLEncoding.Strict().DecodeString(jwk.text("x"))
		y, errY := base64.RawURLEncoding.Strict().DecodeString(jwk.text("y"))
		if errX != nil || errY != nil || len(x) != 32 || len(y) != 32 {
			continue
		}
		key := &ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int).SetBytes(x), Y: new(big.Int).SetBytes(y)}
		if key.Curve.IsOnCurve(key.X, key.Y) {
			keys[jwk.text("kid")] = key
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the JWK Set has no P-256 key with a kid")
	}
	return keys, nil
}

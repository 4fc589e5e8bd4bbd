package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"example.com/kitchen/toolv1"
)

const (
	assertionType     = "gatehouse-principal+jwt"
	maxAssertionBytes = 256 << 10
	maxKeySetBytes    = 64 << 10
	clockSkew         = 10 * time.Second
	minFetchInterval  = time.Second
	refreshInterval   = 5 * time.Minute
)

// PrincipalVerifier finds out who calls: it verifies the assertion that the edge signs (docs/writing-a-tool.md, "Who
// calls"). Safe for concurrent use.
type PrincipalVerifier struct {
	// This service, as the edge's tool services file names it.
	Audience string
	// The edge's public MCP URL; empty for whichever has published its key there.
	Issuer string
	// http URL or file of the edge's JWK Set.
	Keys string

	fetching  sync.Mutex // held by the one who fetches keys
	fetchedAt time.Time  // when the last fetch began

	mutex     sync.Mutex // guards the two below
	keys      map[string]*ecdsa.PublicKey
	refreshAt time.Time
}

// Interceptors put the verified principal into every request that has a context, and answer the others themselves.
func (v *PrincipalVerifier) Interceptors() []grpc.ServerOption {
	unary := func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		if err := v.identify(request); err != nil {
			return nil, err
		}
		return handler(ctx, request)
	}
	stream := func(server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		return handler(server, &identifiedStream{stream, v})
	}
	return []grpc.ServerOption{grpc.UnaryInterceptor(unary), grpc.StreamInterceptor(stream)}
}

type identifiedStream struct {
	grpc.ServerStream
	verifier *PrincipalVerifier
}

func (s *identifiedStream) RecvMsg(message any) error {
	if err := s.ServerStream.RecvMsg(message); err != nil {
		return err
	}
	return s.verifier.identify(message)
}

// identify replaces the principal of a request by the one that is signed.
func (v *PrincipalVerifier) identify(message any) error {
	request, ok := message.(interface{ GetContext() *toolv1.CallContext })
	if !ok {
		return nil // a request for a stream that stays open, or for health: made by nobody's wish
	}
	principal, err := v.Verify(request.GetContext().GetPrincipal().GetAssertion(), time.Now())
	if err != nil {
		logEvent("principal_refused", map[string]any{"message": err.Error()})
		return err
	}
	request.GetContext().Principal = principal
	return nil
}

// Verify gives what an assertion says, or a gRPC status.
func (v *PrincipalVerifier) Verify(assertion string, now time.Time) (*toolv1.Principal, error) {
	refuse := func(why string) (*toolv1.Principal, error) {
		return nil, status.Errorf(codes.Unauthenticated, "The edge's assertion of who calls was not accepted: %s.", why)
	}
	parts := strings.Split(assertion, ".")
	if len(assertion) > maxAssertionBytes || len(parts) != 3 {
		return refuse("there is none, or it is not three parts")
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return refuse("it is not base64url")
		}
	}
	var header struct {
		Algorithm string          `json:"alg"`
		Type      string          `json:"typ"`
		KeyID     string          `json:"kid"`
		Critical  json.RawMessage `json:"crit"`
	}
	// The algorithm is ours to say; the header must agree.
	if json.Unmarshal(decoded[0], &header) != nil || header.Algorithm != "ES256" || header.Type != assertionType ||
		header.Critical != nil {
		return refuse("it is not of the right type")
	}
	key, err := v.keyFor(header.KeyID)
	if err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	if key == nil {
		return refuse("nobody who may make one has published its key")
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	signature := decoded[2]
	if len(signature) != 64 || !ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]),
		new(big.Int).SetBytes(signature[32:])) {
		return refuse("the signature is not that of its key")
	}

	var claims struct {
		Issuer        string          `json:"iss"`
		Audience      string          `json:"aud"`
		ExpireTime    *float64        `json:"exp"`
		IssueTime     *float64        `json:"iat"`
		Provider      string          `json:"idp"`
		Subject       string          `json:"sub"`
		ClientID      string          `json:"client_id"`
		Scope         string          `json:"scope"`
		ScopesKnown   bool            `json:"scopes_known"`
		AudienceKnown bool            `json:"audience_known"`
		TokenExpires  *float64        `json:"token_exp"`
		Claims        json.RawMessage `json:"claims"`
	}
	if err := json.Unmarshal(decoded[1], &claims); err != nil {
		return refuse("its claims are malformed")
	}
	switch {
	case v.Issuer != "" && claims.Issuer != v.Issuer:
		return refuse("it is of another edge")
	case claims.Audience != v.Audience:
		return refuse(fmt.Sprintf("it is for the tool service %q, not %q", claims.Audience, v.Audience))
	case claims.ExpireTime == nil || claims.IssueTime == nil || claims.Subject == "" || claims.Provider == "":
		return refuse("a claim is missing")
	case !now.Before(timeOf(*claims.ExpireTime).Add(clockSkew)):
		return refuse("it has expired")
	case now.Add(clockSkew).Before(timeOf(*claims.IssueTime)):
		return refuse("it was made in the future: the clocks differ")
	}
	principal := &toolv1.Principal{
		Issuer: claims.Provider, Subject: claims.Subject, ClientId: claims.ClientID, Scopes: strings.Fields(claims.Scope),
		ScopesKnown: claims.ScopesKnown, AudienceKnown: claims.AudienceKnown, ClaimsJson: string(claims.Claims),
	}
	if claims.TokenExpires != nil {
		principal.ExpireTime = timestamppb.New(timeOf(*claims.TokenExpires))
	}
	return principal, nil
}

func timeOf(seconds float64) time.Time {
	return time.UnixMicro(int64(seconds * 1e6))
}

// known gives the key of this name, or nil, and whether the keys need not be fetched for a while.
func (v *PrincipalVerifier) known(keyID string) (key *ecdsa.PublicKey, fresh bool) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return v.keys[keyID], time.Now().Before(v.refreshAt)
}

// keyFor gives the key of this name: nil if there is none, after another look if need be, at most once a second. All who
// need one at the same time share it.
func (v *PrincipalVerifier) keyFor(keyID string) (*ecdsa.PublicKey, error) {
	arrived := time.Now()
	if key, fresh := v.known(keyID); key != nil && fresh {
		return key, nil
	}
	v.fetching.Lock()
	defer v.fetching.Unlock()
	var err error
	if !v.fetchedAt.After(arrived) {
		time.Sleep(time.Until(v.fetchedAt.Add(minFetchInterval)))
		v.fetchedAt = time.Now()
		err = v.fetch()
	}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.keys == nil {
		if err == nil {
			err = errors.New("they could not be fetched")
		}
		return nil, fmt.Errorf("the keys that verify who calls cannot be had now: %w", err)
	}
	return v.keys[keyID], nil
}

// fetch gets the keys anew; those that there are stay if that fails.
func (v *PrincipalVerifier) fetch() error {
	keys, err := loadKeys(v.Keys)
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if err != nil {
		v.refreshAt = time.Now().Add(minFetchInterval)
		return err
	}
	v.keys, v.refreshAt = keys, time.Now().Add(refreshInterval)
	return nil
}

// WaitForKeys returns once there are keys, or when ctx ends.
func (v *PrincipalVerifier) WaitForKeys(ctx context.Context) {
	for ctx.Err() == nil {
		if _, err := v.keyFor(""); err == nil {
			return
		}
	}
}

func loadKeys(location string) (map[string]*ecdsa.PublicKey, error) {
	text, err := load(location)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []struct {
			Type  string `json:"kty"`
			Curve string `json:"crv"`
			KeyID string `json:"kid"`
			X     string `json:"x"`
			Y     string `json:"y"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, err
	}
	keys := make(map[string]*ecdsa.PublicKey)
	for _, jwk := range set.Keys {
		x, errX := base64.RawURLEncoding.DecodeString(jwk.X)
		y, errY := base64.RawURLEncoding.DecodeString(jwk.Y)
		if jwk.Type != "EC" || jwk.Curve != "P-256" || jwk.KeyID == "" || errX != nil || errY != nil {
			continue
		}
		key := &ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int).SetBytes(x), Y: new(big.Int).SetBytes(y)}
		if key.Curve.IsOnCurve(key.X, key.Y) {
			keys[jwk.KeyID] = key
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the JWK Set has no P-256 key")
	}
	return keys, nil
}

func load(location string) ([]byte, error) {
	if !strings.Contains(location, "://") {
		return os.ReadFile(location)
	}
	client := http.Client{Timeout: 3 * time.Second}
	response, err := client.Get(location)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP status %d", response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxKeySetBytes+1))
	if err == nil && len(text) > maxKeySetBytes {
		err = errors.New("the JWK Set is too large")
	}
	return text, err
}

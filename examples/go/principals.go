package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"example.com/kitchen/toolv1"
)

const (
	assertionType     = "gatehouse-principal+jwt"
	maxAssertionBytes = 256 << 10
	maxHeaderBytes    = 1024
	maxLifetime       = 5 * time.Minute // the edge makes them for two: what lives long was not made by it
	clockSkew         = 10 * time.Second
	endOfTime         = 253402300800 // the year 10000, in seconds since 1970
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
	keys      keySet
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
	if strings.ContainsAny(assertion, "\r\n") {
		return refuse("it is not base64url") // encoding/base64 would skip them
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return refuse("it is not base64url")
		}
	}
	if len(decoded[0]) > maxHeaderBytes {
		return refuse("its header is too long")
	}
	header, err := parseObject(decoded[0])
	if err != nil {
		return refuse("its header is no JSON object")
	}
	// The algorithm is ours to say; the header must agree.
	if header.text("alg") != "ES256" || header.text("typ") != assertionType || header["crit"] != nil {
		return refuse("it is not of the right type")
	}
	keyID := header.text("kid")
	if keyID == "" {
		return refuse("it names no key")
	}
	key, err := v.keyFor(keyID)
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

	claims, err := parseObject(decoded[1])
	if err != nil {
		return refuse("its claims set is no JSON object")
	}
	expireTime, hasExpireTime := claims.time("exp")
	issueTime, hasIssueTime := claims.time("iat")
	switch {
	case v.Issuer != "" && claims.text("iss") != v.Issuer:
		return refuse("it is of another edge")
	case claims.text("aud") != v.Audience:
		return refuse(fmt.Sprintf("it is for the tool service %.64q, not %q", claims.text("aud"), v.Audience))
	case !hasExpireTime || !hasIssueTime:
		return refuse("exp or iat is missing or no time")
	case !now.Before(expireTime.Add(clockSkew)):
		return refuse("it has expired")
	case now.Add(clockSkew).Before(issueTime):
		return refuse("it was made in the future: the clocks differ")
	case expireTime.Sub(issueTime) > maxLifetime:
		return refuse("it lives for too long")
	case claims.text("sub") == "" || claims.text("idp") == "":
		return refuse("sub or idp is missing")
	}
	return claims.principal(), nil
}

// object is a JSON object whose members are found by the very names that they have. (For a struct, encoding/json takes
// "AUD" too where "aud" is meant.) Of members of one name the last counts.
type object map[string]json.RawMessage

func parseObject(text []byte) (object, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("it is not UTF-8") // encoding/json would let it pass, changed
	}
	// Down to the last number, which a RawMessage is not.
	var whole map[string]any
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, err
	}
	if whole == nil {
		return nil, errors.New("it is null")
	}
	members := make(object)
	return members, json.Unmarshal(text, &members)
}

// member reads a member of one type; absent, null or of another type, it is the zero value, and not ok.
func member[T any](o object, name string) (value T, ok bool) {
	var pointer *T
	if o[name] == nil || json.Unmarshal(o[name], &pointer) != nil || pointer == nil {
		return value, false
	}
	return *pointer, true
}

func (o object) text(name string) string {
	text, _ := member[string](o, name)
	return text
}

func (o object) isTrue(name string) bool {
	value, _ := member[bool](o, name)
	return value
}

// time reads a NumericDate (RFC 7519, section 2).
func (o object) time(name string) (time.Time, bool) {
	seconds, ok := member[float64](o, name)
	if !ok || seconds < 0 || seconds >= endOfTime {
		return time.Time{}, false
	}
	return time.UnixMicro(int64(seconds * 1e6)), true
}

// principal is what a claims set that is believed says.
func (o object) principal() *toolv1.Principal {
	principal := &toolv1.Principal{
		Issuer: o.text("idp"), Subject: o.text("sub"), ClientId: o.text("client_id"), ScopesKnown: o.isTrue("scopes_known"),
		AudienceKnown: o.isTrue("audience_known"),
	}
	// At blanks and nothing else (RFC 6749, section 3.3): the edge must not have seen fewer scopes than we do.
	for _, scope := range strings.Split(o.text("scope"), " ") {
		if scope != "" {
			principal.Scopes = append(principal.Scopes, scope)
		}
	}
	if expireTime, ok := o.time("token_exp"); ok {
		principal.ExpireTime = timestamppb.New(expireTime)
	}
	if _, ok := member[object](o, "claims"); ok {
		principal.ClaimsJson = string(o["claims"])
	}
	origins, _ := member[[]object](o, "claim_origins")
	for _, origin := range origins {
		names, _ := member[[]string](origin, "claims")
		source := toolv1.ClaimSource_value["CLAIM_SOURCE_"+strings.ToUpper(origin.text("source"))]
		principal.ClaimOrigins = append(principal.ClaimOrigins,
			&toolv1.ClaimOrigin{Source: toolv1.ClaimSource(source), Claims: names})
	}
	return principal
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
	v.keys, v.refreshAt = keys, time.Now().Add(refreshInterval(v.Keys))
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

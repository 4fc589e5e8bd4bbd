package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"example.com/kitchen/toolv1"
)

// start serves a kitchen in memory and returns it with a client, as the edge is one.
func start(t *testing.T, minute time.Duration) (*Kitchen, toolv1.ToolServiceClient) {
	t.Helper()
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer()
	kitchen := NewKitchen(minute)
	toolv1.RegisterToolServiceServer(server, kitchen)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	dial := func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
	connection, err := grpc.NewClient("passthrough:kitchen", grpc.WithContextDialer(dial),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return kitchen, toolv1.NewToolServiceClient(connection)
}

// call makes a call and returns its events, or the error that ended it.
func call(t *testing.T, client toolv1.ToolServiceClient, request *toolv1.CallToolRequest) ([]*toolv1.CallToolEvent, error) {
	t.Helper()
	stream, err := client.CallTool(context.Background(), request)
	if err != nil {
		t.Fatal(err)
	}
	var events []*toolv1.CallToolEvent
	for {
		event, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, event)
	}
}

func TestTheCatalogueComesAtOnceAndItsStreamEndsWithUnavailable(t *testing.T) {
	kitchen, client := start(t, 0)
	stream, err := client.WatchCatalog(context.Background(), &toolv1.WatchCatalogRequest{})
	if err != nil {
		t.Fatal(err)
	}
	received, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range received.GetTools() {
		if !json.Valid([]byte(tool.GetInputSchemaJson())) {
			t.Errorf("the schema of %s is not JSON", tool.GetName())
		}
	}
	kitchen.Stop()
	if _, err := stream.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("want UNAVAILABLE, got %v", err)
	}
}

func TestBakingHasProgressForEachMinuteAndThenTheResult(t *testing.T) {
	_, client := start(t, 0)
	events, err := call(t, client, &toolv1.CallToolRequest{
		Name: "bake", ArgumentsJson: `{"dish":"bread","minutes":3}`, Context: &toolv1.CallContext{WantsProgress: true},
	})
	if err != nil || len(events) != 4 {
		t.Fatalf("want 4 events, got %d, %v", len(events), err)
	}
	if got := events[2].GetProgress().GetProgress(); got != 3 {
		t.Errorf("want progress 3, got %v", got)
	}
	if got := events[3].GetResult().GetStructuredContentJson(); got != `{"dish":"bread","minutes":3}` {
		t.Errorf("got %s", got)
	}
}

func TestACancelledCallEndsAtOnce(t *testing.T) {
	_, client := start(t, time.Hour)
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := client.CallTool(ctx, &toolv1.CallToolRequest{Name: "bake", ArgumentsJson: `{"dish":"bread","minutes":1}`})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := stream.Recv(); status.Code(err) != codes.Canceled {
		t.Errorf("want CANCELLED, got %v", err)
	}
}

func TestAnOrderAsksAndTakesTheAnswer(t *testing.T) {
	_, client := start(t, 0)
	request := &toolv1.CallToolRequest{Name: "order_dish", ArgumentsJson: `{"dish":"pizza"}`}
	events, err := call(t, client, request)
	if err != nil || len(events) != 1 {
		t.Fatalf("want 1 event, got %d, %v", len(events), err)
	}
	asked := events[0].GetInputRequired()
	if asked.GetRequests()["portions"].GetMethod() != "elicitation/create" {
		t.Fatalf("got %v", asked)
	}
	for answer, want := range map[string]string{
		`{"action":"accept","content":{"portions":2}}`: "Ordered pizza, 2 portions.",
		`{"action":"decline"}`:                         "Nothing was ordered",
	} {
		request.InputResponsesJson = map[string]string{"portions": answer}
		request.RequestState = asked.GetState()
		events, err = call(t, client, request)
		if err != nil || len(events) != 1 {
			t.Fatalf("want 1 event, got %d, %v", len(events), err)
		}
		if got := events[0].GetResult().GetContent()[0].GetText().GetText(); !strings.Contains(got, want) {
			t.Errorf("want %q, got %q", want, got)
		}
	}
}

func TestWhatIsNotOnTheMenuIsAnErrorThatNamesTheMenu(t *testing.T) {
	_, client := start(t, 0)
	events, err := call(t, client, &toolv1.CallToolRequest{Name: "bake", ArgumentsJson: `{"dish":"soup","minutes":1}`})
	if err != nil || len(events) != 1 || !events[0].GetResult().GetIsError() {
		t.Fatalf("want a result with is_error, got %v, %v", events, err)
	}
	if text := events[0].GetResult().GetContent()[0].GetText().GetText(); !strings.Contains(text, "pretzel") {
		t.Errorf("got %q", text)
	}
}

func TestAnUnknownToolOrResourceIsNotFound(t *testing.T) {
	_, client := start(t, 0)
	if _, err := call(t, client, &toolv1.CallToolRequest{Name: "fry"}); status.Code(err) != codes.NotFound {
		t.Errorf("want NOT_FOUND, got %v", err)
	}
	_, err := client.ReadResource(context.Background(), &toolv1.ReadResourceRequest{Uri: "kitchen://cellar"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("want NOT_FOUND, got %v", err)
	}
}

func TestTheMenuIsAResource(t *testing.T) {
	_, client := start(t, 0)
	response, err := client.ReadResource(context.Background(), &toolv1.ReadResourceRequest{Uri: menuURI})
	if err != nil {
		t.Fatal(err)
	}
	if got := response.GetResult().GetContents()[0].GetText(); got != `["bread","pizza","pretzel"]` {
		t.Errorf("got %s", got)
	}
}

// signer makes assertions as the edge does.
type signer struct {
	key *ecdsa.PrivateKey
}

func newSigner(t *testing.T) *signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{key}
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func (s *signer) keySet(t *testing.T) string {
	name := filepath.Join(t.TempDir(), "jwks.json")
	set := fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"%s","y":"%s"}]}`,
		encode(s.key.X.FillBytes(make([]byte, 32))), encode(s.key.Y.FillBytes(make([]byte, 32))))
	if err := os.WriteFile(name, []byte(set), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func (s *signer) sign(t *testing.T, header, claims map[string]any) string {
	headerJSON, _ := json.Marshal(header)
	claimsJSON, _ := json.Marshal(claims)
	text := encode(headerJSON) + "." + encode(claimsJSON)
	digest := sha256.Sum256([]byte(text))
	r, n, err := ecdsa.Sign(rand.Reader, s.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + encode(append(r.FillBytes(make([]byte, 32)), n.FillBytes(make([]byte, 32))...))
}

func TestOnlyWhatTheEdgeSignedForThisServiceIsBelieved(t *testing.T) {
	edge, forger := newSigner(t), newSigner(t)
	verifier := &PrincipalVerifier{Audience: "kitchen", Keys: edge.keySet(t)}
	now := time.Now()
	header := func() map[string]any { return map[string]any{"alg": "ES256", "typ": assertionType, "kid": "k"} }
	claims := func() map[string]any {
		return map[string]any{"iss": "edge", "aud": "kitchen", "sub": "alice", "idp": "provider", "scope": "a b",
			"claims": map[string]any{"name": "Alice"}, "iat": now.Unix(), "exp": now.Unix() + 120}
	}
	with := func(values map[string]any, name string, value any) map[string]any {
		values[name] = value
		return values
	}
	principal, err := verifier.Verify(edge.sign(t, header(), claims()), now)
	if err != nil || principal.GetSubject() != "alice" || principal.GetIssuer() != "provider" ||
		len(principal.GetScopes()) != 2 || principal.GetClaimsJson() != `{"name":"Alice"}` {
		t.Fatalf("got %v, %v", principal, err)
	}
	good := edge.sign(t, header(), claims())
	parts := strings.Split(good, ".")
	for what, assertion := range map[string]string{
		"nothing":                "",
		"forged":                 forger.sign(t, header(), claims()),
		"of an unknown key":      edge.sign(t, with(header(), "kid", "other"), claims()),
		"without a signature":    parts[0] + "." + parts[1] + ".",
		"with alg none":          edge.sign(t, with(header(), "alg", "none"), claims()),
		"of another type":        edge.sign(t, with(header(), "typ", "at+jwt"), claims()),
		"critical":               edge.sign(t, with(header(), "crit", []string{"x"}), claims()),
		"for another service":    edge.sign(t, header(), with(claims(), "aud", "mail")),
		"for several services":   edge.sign(t, header(), with(claims(), "aud", []string{"kitchen"})),
		"expired":                edge.sign(t, header(), with(claims(), "exp", now.Unix()-11)),
		"of the future":          edge.sign(t, header(), with(claims(), "iat", now.Unix()+12)),
		"of nobody":              edge.sign(t, header(), with(claims(), "sub", "")),
		"with a changed payload": parts[0] + "." + encode([]byte(`{"sub":"admin"}`)) + "." + parts[2],
	} {
		if _, err := verifier.Verify(assertion, now); status.Code(err) != codes.Unauthenticated {
			t.Errorf("an assertion %s: want UNAUTHENTICATED, got %v", what, err)
		}
	}
}

func TestHandlersSeeWhatIsSignedAndNothingElse(t *testing.T) {
	edge := newSigner(t)
	verifier := &PrincipalVerifier{Audience: "kitchen", Keys: edge.keySet(t)}
	now := time.Now().Unix()
	request := &toolv1.CallToolRequest{Context: &toolv1.CallContext{Principal: &toolv1.Principal{
		Subject: "admin", Scopes: []string{"everything"},
		Assertion: edge.sign(t, map[string]any{"alg": "ES256", "typ": assertionType, "kid": "k"}, map[string]any{
			"iss": "edge", "aud": "kitchen", "sub": "alice", "idp": "provider", "iat": now, "exp": now + 120}),
	}}}
	if err := verifier.identify(request); err != nil {
		t.Fatal(err)
	}
	if got := request.GetContext().GetPrincipal(); got.GetSubject() != "alice" || len(got.GetScopes()) != 0 {
		t.Errorf("got %v", got)
	}
	if err := verifier.identify(&toolv1.CallToolRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("without a context: want UNAUTHENTICATED, got %v", err)
	}
	if err := verifier.identify(&toolv1.WatchCatalogRequest{}); err != nil {
		t.Errorf("the catalogue is for everybody, got %v", err)
	}
}

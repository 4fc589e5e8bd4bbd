package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"example.com/kitchen/toolv1"
)

const (
	testIssuer   = "https://mcp.example.com/mcp"
	testAudience = "kitchen"
	testKeyID    = "k"
)

// form is an entry of ../testdata/assertions.json: how an assertion differs from a good one.
type form struct {
	Name       string           `json:"name"`
	Believed   bool             `json:"believed"`
	Scopes     *[]string        `json:"scopes"`
	Header     map[string]any   `json:"header"`
	HeaderText *string          `json:"header_text"`
	Claims     map[string]any   `json:"claims"`
	Payload    *string          `json:"payload"`
	Times      map[string]int64 `json:"times"`
	Without    []string         `json:"without"`
	Signature  string           `json:"signature"`
	Compact    *string          `json:"compact"`
}

func readForms(t *testing.T) (good form, forms []form) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "testdata", "assertions.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Good  form   `json:"good"`
		Forms []form `json:"forms"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	return list.Good, list.Forms
}

// signer makes assertions as the edge does, and the other forms.
type signer struct {
	t             *testing.T
	good          form
	now           time.Time
	key, otherKey *ecdsa.PrivateKey
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	good, _ := readForms(t)
	s := &signer{t: t, good: good, now: time.Now()}
	for _, key := range []**ecdsa.PrivateKey{&s.key, &s.otherKey} {
		made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		*key = made
	}
	return s
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func jwkOf(key *ecdsa.PrivateKey) string {
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":"%s","x":"%s","y":"%s"}`, testKeyID,
		encode(key.X.FillBytes(make([]byte, 32))), encode(key.Y.FillBytes(make([]byte, 32))))
}

// keysFile names a file of the JWK Set with the edge's key.
func (s *signer) keysFile() string {
	name := filepath.Join(s.t.TempDir(), "jwks.json")
	if err := os.WriteFile(name, []byte(`{"keys":[`+jwkOf(s.key)+`]}`), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return name
}

func (s *signer) fillIn(text string) string {
	now := s.now.Unix()
	return strings.NewReplacer("AUDIENCE_IN_CAPITALS", strings.ToUpper(testAudience), "AUDIENCE", testAudience,
		"ISSUER", testIssuer, "KEY_ID", testKeyID, "NOW", fmt.Sprint(now), "SOON", fmt.Sprint(now+100),
		"LONG_HEADER", strings.Repeat("x", 2_000), "LONG_CLAIM", strings.Repeat("x", 300_000),
		`"OTHER_KEY"`, jwkOf(s.otherKey)).Replace(text)
}

func (s *signer) make(f form) string {
	header, claims := make(map[string]any), make(map[string]any)
	for _, one := range []form{s.good, f} {
		for name, value := range one.Header {
			header[name] = value
		}
		for name, seconds := range one.Times {
			claims[name] = s.now.Unix() + seconds
		}
		for name, value := range one.Claims {
			claims[name] = value
		}
	}
	for _, name := range f.Without {
		delete(header, name)
		delete(claims, name)
	}
	headerJSON, _ := json.Marshal(header)
	claimsJSON, _ := json.Marshal(claims)
	headerText, payload, compact := string(headerJSON), string(claimsJSON), *s.good.Compact
	for text, other := range map[*string]*string{&headerText: f.HeaderText, &payload: f.Payload, &compact: f.Compact} {
		if other != nil {
			*text = *other
		}
	}
	values := map[string]string{"HEADER": encode([]byte(s.fillIn(headerText))), "PAYLOAD": encode([]byte(s.fillIn(payload)))}
	key := s.key
	if f.Signature == "other_key" {
		key = s.otherKey
	}
	digest := sha256.Sum256([]byte(values["HEADER"] + "." + values["PAYLOAD"]))
	if f.Signature == "der" {
		der, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
		if err != nil {
			s.t.Fatal(err)
		}
		values["SIGNATURE"] = encode(der)
	} else {
		r, n, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			s.t.Fatal(err)
		}
		values["SIGNATURE"] = encode(append(r.FillBytes(make([]byte, 32)), n.FillBytes(make([]byte, 32))...))
	}
	return regexp.MustCompile("HEADER|PAYLOAD|SIGNATURE").ReplaceAllStringFunc(compact, func(name string) string {
		return values[name]
	})
}

func TestEveryFormOfTheListIsJudgedAsItSays(t *testing.T) {
	edge := newSigner(t)
	verifier := &PrincipalVerifier{Audience: testAudience, Issuer: testIssuer, Keys: edge.keysFile()}
	_, forms := readForms(t)
	for _, one := range forms {
		principal, err := verifier.Verify(edge.make(one), edge.now)
		switch {
		case !one.Believed && status.Code(err) != codes.Unauthenticated:
			t.Errorf("%s: want UNAUTHENTICATED, got %v, %v", one.Name, principal, err)
		case one.Believed && err != nil:
			t.Errorf("%s: want a principal, got %v", one.Name, err)
		case one.Scopes != nil && strings.Join(principal.GetScopes(), "|") != strings.Join(*one.Scopes, "|"):
			t.Errorf("%s: want the scopes %q, got %q", one.Name, *one.Scopes, principal.GetScopes())
		}
	}
}

func TestEveryFieldIsTakenFromTheClaims(t *testing.T) {
	edge := newSigner(t)
	verifier := &PrincipalVerifier{Audience: testAudience, Keys: edge.keysFile()}
	principal, err := verifier.Verify(edge.make(form{}), edge.now)
	if err != nil {
		t.Fatal(err)
	}
	want := &toolv1.Principal{
		Issuer: "https://id.example.com/oidc", Subject: "alice", ClientId: "smartmail", Scopes: []string{"mail:read", "mail:write"},
		ScopesKnown: true, AudienceKnown: true, ClaimsJson: `{"name":"Alice"}`,
		ExpireTime:   &timestamppb.Timestamp{Seconds: edge.now.Unix() + 3600},
		ClaimOrigins: []*toolv1.ClaimOrigin{{Source: toolv1.ClaimSource_CLAIM_SOURCE_TOKEN, Claims: []string{"name"}}},
	}
	if !proto.Equal(principal, want) {
		t.Errorf("want %v, got %v", want, principal)
	}
}

func TestHandlersSeeWhatIsSignedAndNothingElse(t *testing.T) {
	edge := newSigner(t)
	verifier := &PrincipalVerifier{Audience: testAudience, Keys: edge.keysFile()}
	request := &toolv1.CallToolRequest{Context: &toolv1.CallContext{Principal: &toolv1.Principal{
		Subject: "admin", Scopes: []string{"everything"}, Assertion: edge.make(form{Without: []string{"scope"}}),
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

func TestWithoutKeysNobodyCanTell(t *testing.T) {
	edge := newSigner(t)
	verifier := &PrincipalVerifier{Audience: testAudience, Keys: edge.keysFile() + ".none"}
	if _, err := verifier.Verify(edge.make(form{}), edge.now); status.Code(err) != codes.Unavailable {
		t.Errorf("want UNAVAILABLE, got %v", err)
	}
}

func TestKeysThatAreNotOursToUseAreLeftAndTheOthersTaken(t *testing.T) {
	good := jwkOf(newSigner(t).key)
	odd := []string{"1", "null", `{"kty":"RSA"}`}
	for from, to := range map[string]string{`"kid":"k"`: `"kid":5`, `"kid"`: `"KID"`, `"x":"`: `"x":"*`, `"y"`: `"use":"enc","y"`, `"EC"`: `"EC","alg":"ES384"`} {
		odd = append(odd, strings.Replace(good, from, to, 1))
	}
	keys, err := parseKeySet([]byte(`{"keys":[` + strings.Join(append(odd, good), ",") + `]}`))
	if err != nil || len(keys) != 1 || keys[testKeyID] == nil {
		t.Errorf("want one key, got %v, %v", keys, err)
	}
	for _, text := range []string{"", "[]", "{}", `{"keys":5}`, `{"keys":[` + strings.Join(odd, ",") + `]}`, strings.Repeat(" ", 100_000)} {
		if keys, err := parseKeySet([]byte(text)); err == nil {
			t.Errorf("%.40s: want an error, got %v", text, keys)
		}
	}
}

func TestARedirectionIsNotFollowed(t *testing.T) {
	set := `{"keys":[` + jwkOf(newSigner(t).key) + `]}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			http.Redirect(w, r, "/jwks.json", http.StatusFound)
			return
		}
		fmt.Fprint(w, set)
	}))
	defer server.Close()
	if keys, err := loadKeys(server.URL + "/jwks.json"); err != nil || len(keys) != 1 {
		t.Errorf("want one key, got %v, %v", keys, err)
	}
	for _, location := range []string{server.URL + "/elsewhere", "ftp" + strings.TrimPrefix(server.URL, "http"), "/none"} {
		if keys, err := loadKeys(location); err == nil {
			t.Errorf("%s: want an error, got %v", location, keys)
		}
	}
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
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

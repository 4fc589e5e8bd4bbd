package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"example.com/kitchen/toolv1"
)

const menuURI = "kitchen://menu"

var menu = []string{"bread", "pizza", "pretzel"}

// What the service offers. The edge checks arguments against the schemas before it calls.
var catalog = &toolv1.Catalog{
	Tools: []*toolv1.Tool{
		{
			Name:        "bake",
			Title:       "Bake a dish",
			Description: "Bakes something of the menu (resource kitchen://menu) for some minutes.",
			InputSchemaJson: `{"type":"object","properties":{"dish":{"type":"string"},` +
				`"minutes":{"type":"integer","minimum":1,"maximum":100}},"required":["dish","minutes"],"additionalProperties":false}`,
			OutputSchemaJson: `{"type":"object","properties":{"dish":{"type":"string"},"minutes":{"type":"integer"}},` +
				`"required":["dish","minutes"]}`,
			Annotations: &toolv1.ToolAnnotations{Destructive: proto.Bool(false), OpenWorld: proto.Bool(false)},
		},
		{
			Name:        "order_dish",
			Title:       "Order a dish",
			Description: "Orders something of the menu. Asks the user for the number of portions.",
			InputSchemaJson: `{"type":"object","properties":{"dish":{"type":"string"}},"required":["dish"],` +
				`"additionalProperties":false}`,
			Annotations: &toolv1.ToolAnnotations{Destructive: proto.Bool(false), OpenWorld: proto.Bool(false)},
			// A client that cannot ask its user is refused before the call.
			RequiredClientCapabilitiesJson: `{"elicitation":{}}`,
		},
	},
	Resources: []*toolv1.Resource{
		{Uri: menuURI, Name: "menu", Description: "What the kitchen makes.", MimeType: "application/json"},
	},
}

// Kitchen implements ToolService. It keeps no state between calls.
type Kitchen struct {
	// What is not implemented here (prompts, completion) is answered UNIMPLEMENTED.
	toolv1.UnimplementedToolServiceServer
	minute   time.Duration
	stop     chan struct{}
	stopOnce sync.Once
}

// NewKitchen makes a kitchen in which a minute takes that long.
func NewKitchen(minute time.Duration) *Kitchen {
	return &Kitchen{minute: minute, stop: make(chan struct{})}
}

// Stop ends the catalogue streams: the edge sends no further calls here.
func (k *Kitchen) Stop() {
	k.stopOnce.Do(func() { close(k.stop) })
}

// WatchCatalog sends the catalogue and stays open. A service whose catalogue changes sends the whole of the new one.
func (k *Kitchen) WatchCatalog(_ *toolv1.WatchCatalogRequest, stream toolv1.ToolService_WatchCatalogServer) error {
	if err := stream.Send(catalog); err != nil {
		return err
	}
	select {
	case <-k.stop:
		return status.Error(codes.Unavailable, "shutting down")
	case <-stream.Context().Done():
		return stream.Context().Err()
	}
}

// CallTool runs one call. Its context is cancelled when the client goes away or cancels.
func (k *Kitchen) CallTool(request *toolv1.CallToolRequest, stream toolv1.ToolService_CallToolServer) error {
	var err error
	switch request.GetName() {
	case "bake":
		err = k.bake(request, stream)
	case "order_dish":
		err = order(request, stream)
	default:
		return status.Errorf(codes.NotFound, "there is no tool %s", request.GetName())
	}
	if stream.Context().Err() != nil {
		logEvent("call_cancelled", map[string]any{
			"tool": request.GetName(), "request_id": request.GetContext().GetRequestId(),
		})
	}
	return err
}

func (k *Kitchen) bake(request *toolv1.CallToolRequest, stream toolv1.ToolService_CallToolServer) error {
	var arguments struct {
		Dish    string  `json:"dish"`
		Minutes float64 `json:"minutes"` // JSON Schema's "integer" may be written 3.0
	}
	if err := json.Unmarshal([]byte(request.GetArgumentsJson()), &arguments); err != nil {
		return status.Error(codes.InvalidArgument, "the arguments are not as the schema has them")
	}
	if !onMenu(arguments.Dish) {
		return stream.Send(notOnMenu(arguments.Dish))
	}
	minutes := int(arguments.Minutes)
	for minute := 1; minute <= minutes; minute++ {
		select {
		case <-time.After(k.minute):
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
		if !request.GetContext().GetWantsProgress() {
			continue
		}
		progress := &toolv1.Progress{Progress: float64(minute), Total: proto.Float64(arguments.Minutes)}
		if err := stream.Send(&toolv1.CallToolEvent{Event: &toolv1.CallToolEvent_Progress{Progress: progress}}); err != nil {
			return err
		}
	}
	structured, err := json.Marshal(map[string]any{"dish": arguments.Dish, "minutes": minutes})
	if err != nil {
		return err
	}
	return stream.Send(resultEvent(&toolv1.CallToolResult{
		Content:               textBlocks(fmt.Sprintf("Baked %s for %d minutes.", arguments.Dish, minutes)),
		StructuredContentJson: string(structured),
	}))
}

// order is called twice: first without an answer, when it asks; then with the answer and with the state it wanted back,
// which the edge has sealed, so that no client can read or change it.
func order(request *toolv1.CallToolRequest, stream toolv1.ToolService_CallToolServer) error {
	var arguments struct {
		Dish string `json:"dish"`
	}
	if err := json.Unmarshal([]byte(request.GetArgumentsJson()), &arguments); err != nil {
		return status.Error(codes.InvalidArgument, "the arguments are not as the schema has them")
	}
	if !onMenu(arguments.Dish) {
		return stream.Send(notOnMenu(arguments.Dish))
	}
	const key = "portions"
	answerJSON, answered := request.GetInputResponsesJson()[key]
	if !answered {
		return stream.Send(&toolv1.CallToolEvent{Event: &toolv1.CallToolEvent_InputRequired{
			InputRequired: &toolv1.InputRequired{
				Requests: map[string]*toolv1.InputRequest{key: {
					Method: "elicitation/create",
					ParamsJson: `{"mode":"form","message":"How many portions?","requestedSchema":{"type":"object",` +
						`"properties":{"portions":{"type":"integer","minimum":1,"maximum":9}},"required":["portions"]}}`,
				}},
				State: []byte(time.Now().UTC().Format(time.RFC3339)),
			},
		}})
	}
	var answer struct {
		Action  string `json:"action"`
		Content struct {
			Portions float64 `json:"portions"`
		} `json:"content"`
	}
	if err := json.Unmarshal([]byte(answerJSON), &answer); err != nil {
		return status.Error(codes.InvalidArgument, "the answer is not as the schema has it")
	}
	text := "The user did not agree. Nothing was ordered."
	if answer.Action == "accept" {
		text = fmt.Sprintf("Ordered %s, %d portions.", arguments.Dish, int(answer.Content.Portions))
	}
	return stream.Send(resultEvent(&toolv1.CallToolResult{Content: textBlocks(text)}))
}

// ReadResource reads the menu.
func (k *Kitchen) ReadResource(_ context.Context, request *toolv1.ReadResourceRequest) (*toolv1.ReadResourceResponse, error) {
	if request.GetUri() != menuURI {
		return nil, status.Error(codes.NotFound, "there is no such resource")
	}
	text, err := json.Marshal(menu)
	if err != nil {
		return nil, err
	}
	contents := &toolv1.ResourceContents{
		Uri: menuURI, MimeType: "application/json", Contents: &toolv1.ResourceContents_Text{Text: string(text)},
	}
	return &toolv1.ReadResourceResponse{Outcome: &toolv1.ReadResourceResponse_Result{
		Result: &toolv1.ReadResourceResult{Contents: []*toolv1.ResourceContents{contents}},
	}}, nil
}

func onMenu(dish string) bool {
	for _, known := range menu {
		if dish == known {
			return true
		}
	}
	return false
}

// An error that the model can read about and mend is a result; only what it cannot is a gRPC status.
func notOnMenu(dish string) *toolv1.CallToolEvent {
	return resultEvent(&toolv1.CallToolResult{
		IsError: true,
		Content: textBlocks(fmt.Sprintf("%s is not on the menu: %s.", dish, strings.Join(menu, ", "))),
	})
}

func textBlocks(text string) []*toolv1.ContentBlock {
	return []*toolv1.ContentBlock{{Block: &toolv1.ContentBlock_Text{Text: &toolv1.TextContent{Text: text}}}}
}

func resultEvent(result *toolv1.CallToolResult) *toolv1.CallToolEvent {
	return &toolv1.CallToolEvent{Event: &toolv1.CallToolEvent_Result{Result: result}}
}

// logEvent writes one JSON object a line to standard error.
func logEvent(event string, fields map[string]any) {
	line := map[string]any{"event": event}
	for key, value := range fields {
		line[key] = value
	}
	// A map of strings and numbers can always be written.
	text, _ := json.Marshal(line)
	fmt.Fprintln(os.Stderr, string(text))
}

package jsonapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/anthill-grid/anthill/internal/problem"
)

const (
	// maxRequest bounds a request in bytes: that of SubmitJob is the largest.
	maxRequest = 4 << 20
	// callTime bounds a call that gives one answer.
	callTime = 15 * time.Second
)

// Handler answers calls of the API by calls over a connection to the grid, in the name of
// whose identity it has. It checks nothing: who may reach it is its caller's business.
type Handler struct {
	Conn grpc.ClientConnInterface
}

// Has says whether a path is that of a call.
func Has(path string) bool { return methods[path] != nil }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := methods[r.URL.Path]
	if m == nil {
		writeError(w, problem.ToStatus(codes.NotFound, "no such call: "+r.URL.Path, "UNKNOWN_CALL", r.URL.Path, "see /openapi.json"))
		return
	}
	req, err := request(r, m)
	if err != nil {
		writeError(w, err)
		return
	}
	if m.IsStreamingServer() {
		h.stream(w, r, m, req)
		return
	}
	h.unary(w, r, m, req)
}

// request reads what is asked. That it must come as JSON keeps forms of other pages out.
func request(r *http.Request, m protoreflect.MethodDescriptor) (proto.Message, error) {
	if r.Method != http.MethodPost {
		return nil, problem.ToStatus(codes.Unimplemented, r.Method+": calls are POST", "NOT_POST", "", "")
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, problem.ToStatus(codes.InvalidArgument, "the request is not of type application/json", "NOT_JSON", "", "")
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		return nil, problem.ToStatus(codes.InvalidArgument, fmt.Sprintf("read request: %v", err), "UNREADABLE", "", "")
	}
	if len(text) > maxRequest {
		return nil, problem.ToStatus(codes.ResourceExhausted, fmt.Sprintf("the request has more than %d bytes", maxRequest), "TOO_LARGE", "", "")
	}
	req, err := newMessage(m.Input())
	if err != nil {
		return nil, err
	}
	if err := unmarshal(text, req); err != nil {
		return nil, problem.ToStatus(codes.InvalidArgument, fmt.Sprintf("read request: %v", err), "NOT_THE_MESSAGE", string(m.Input().FullName()), "see /openapi.json")
	}
	return req, nil
}

func newMessage(d protoreflect.MessageDescriptor) (proto.Message, error) {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return t.New().Interface(), nil
}

func (h *Handler) unary(w http.ResponseWriter, r *http.Request, m protoreflect.MethodDescriptor, req proto.Message) {
	ctx, cancel := context.WithTimeout(r.Context(), callTime)
	defer cancel()
	resp, err := newMessage(m.Output())
	if err == nil {
		err = h.Conn.Invoke(ctx, pathOf(m), req, resp, grpc.WaitForReady(true))
	}
	if err != nil {
		writeError(w, err)
		return
	}
	line, err := Marshal(resp)
	if err != nil {
		writeError(w, err)
		return
	}
	writeBody(w, http.StatusOK, line)
}

// stream answers one line of JSON a message, {"result": ...}; the last one is {"error": ...}
// if the stream broke off.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request, m protoreflect.MethodDescriptor, req proto.Message) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stream, err := h.open(ctx, m, req)
	if err != nil {
		writeError(w, err)
		return
	}
	out := http.NewResponseController(w)
	for begun := false; ; begun = true {
		resp, err := newMessage(m.Output())
		if err == nil {
			err = stream.RecvMsg(resp)
		}
		switch {
		case errors.Is(err, io.EOF) && begun:
			return
		case err != nil && !errors.Is(err, io.EOF) && !begun:
			writeError(w, err)
			return
		}
		if !begun {
			w.Header().Set("Content-Type", "application/x-ndjson")
			w.WriteHeader(http.StatusOK)
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if line, last := lineOf(resp, err); writeLine(w, line) != nil || out.Flush() != nil || last {
			return
		}
	}
}

func (h *Handler) open(ctx context.Context, m protoreflect.MethodDescriptor, req proto.Message) (grpc.ClientStream, error) {
	desc := &grpc.StreamDesc{StreamName: string(m.Name()), ServerStreams: true}
	stream, err := h.Conn.NewStream(ctx, desc, pathOf(m), grpc.WaitForReady(true))
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(req); err != nil {
		return nil, err
	}
	return stream, stream.CloseSend()
}

// lineOf is a line of a stream, and whether it is the last.
func lineOf(resp proto.Message, err error) (line []byte, last bool) {
	if err == nil {
		if text, bad := Marshal(resp); bad == nil {
			return fmt.Appendf(nil, `{"result":%s}`+"\n", text), false
		} else {
			err = bad
		}
	}
	return fmt.Appendf(nil, `{"error":%s}`+"\n", errorBody(err)), true
}

func writeLine(w io.Writer, line []byte) error {
	_, err := w.Write(line)
	return err
}

func writeBody(w http.ResponseWriter, code int, line []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(append(line, '\n')) // who asked may have left
}

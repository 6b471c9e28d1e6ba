package gridconn

import (
	"context"
	"strings"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"

	"github.com/anthill-grid/anthill/internal/problem"
)

// textOption says which field of a request is no text, where gRPC says only that there
// is one, and sends no name that nobody could read.
func textOption() []grpc.DialOption {
	unary := func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if err := CheckNames(req); err != nil {
			return err
		}
		return nameField(req, invoke(ctx, method, req, reply, conn, opts...))
	}
	stream := func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		s, err := open(ctx, desc, conn, method, opts...)
		return namingStream{s}, err
	}
	return []grpc.DialOption{grpc.WithChainUnaryInterceptor(unary), grpc.WithChainStreamInterceptor(stream)}
}

// namingStream is a stream whose requests are looked at if they cannot be sent.
type namingStream struct{ grpc.ClientStream }

func (s namingStream) SendMsg(req any) error {
	if err := CheckNames(req); err != nil {
		return err
	}
	return nameField(req, s.ClientStream.SendMsg(req))
}

// nameField replaces the error of a request that cannot be encoded.
func nameField(req any, err error) error {
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "invalid UTF-8") {
		return err
	}
	field := badField(req)
	if field == "" {
		return err
	}
	return problem.ToStatus(codes.InvalidArgument, field+": it has bytes that are not UTF-8", "INVALID_FIELD", field, "give text in UTF-8")
}

// badField is the first field of a message that has other bytes than text; "" if none has.
func badField(req any) (field string) {
	message, ok := req.(proto.Message)
	if !ok {
		return ""
	}
	_ = protorange.Range(message.ProtoReflect(), func(p protopath.Values) error { // its errors are ours
		if text, is := p.Index(-1).Value.Interface().(string); is && !utf8.ValidString(text) {
			var steps []string
			for _, step := range p.Path[1:] {
				if step.Kind() == protopath.FieldAccessStep {
					steps = append(steps, string(step.FieldDescriptor().Name()))
				}
			}
			field = strings.Join(steps, ".")
			return protorange.Terminate
		}
		return nil
	})
	return field
}

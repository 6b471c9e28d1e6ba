package problem_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/problem"
)

func TestFromStatus(t *testing.T) {
	tests := []struct {
		code    codes.Code
		message string
		want    string
		kind    error
	}{
		{codes.InvalidArgument, "input: no tasks", "input: no tasks", problem.ErrInvalid},
		{codes.NotFound, "job x: none", "job x: none", problem.ErrNotFound},
		{codes.PermissionDenied, "token: used up", "token: used up", problem.ErrRefused},
		{codes.DeadlineExceeded, "context deadline exceeded", "no answer in time", problem.ErrUnavailable},
		{codes.Canceled, "context canceled", "cancelled", context.Canceled},
		{codes.Unavailable,
			`connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:1: connect: connection refused"`,
			"dial tcp 127.0.0.1:1: connect: connection refused", problem.ErrUnavailable},
		{codes.Unavailable,
			`last connection error: connection error: desc = "transport: authentication handshake failed: x509: signed by \"who\""`,
			`x509: signed by "who"`, problem.ErrUnavailable},
		{codes.Unavailable, "", "unavailable", problem.ErrUnavailable},
	}
	for _, tt := range tests {
		err := problem.FromStatus(status.Error(tt.code, tt.message))
		if err.Error() != tt.want {
			t.Errorf("%v %q: got %q, want %q", tt.code, tt.message, err, tt.want)
		}
		if !errors.Is(err, tt.kind) {
			t.Errorf("%v: is not %q", tt.code, tt.kind)
		}
		if status.Code(err) != tt.code {
			t.Errorf("%v: the code is lost: %v", tt.code, status.Code(err))
		}
	}
}

func TestFromStatusTellsTheNextStep(t *testing.T) {
	st := problem.ToStatus(codes.NotFound, "job x: none", "JOB_UNKNOWN", "x", "list them: anthill jobs")
	got := fmt.Errorf("status x: %w", problem.FromStatus(st))
	if next := problem.Next(got); next != "list them: anthill jobs" {
		t.Errorf("next step is %q", next)
	}
	info, ok := status.Convert(st).Details()[0].(*errdetails.ErrorInfo)
	if !ok || info.GetReason() != "JOB_UNKNOWN" || info.GetDomain() != "anthill" || info.GetMetadata()["subject"] != "x" {
		t.Errorf("the reason is %v", info)
	}
}

func TestFromStatusLeavesOtherErrorsAlone(t *testing.T) {
	if problem.FromStatus(nil) != nil {
		t.Error("nil became an error")
	}
	if err := problem.FromStatus(fs.ErrNotExist); err != fs.ErrNotExist {
		t.Errorf("got %v", err)
	}
	once := problem.FromStatus(status.Error(codes.NotFound, "x"))
	if problem.FromStatus(once) != once {
		t.Error("a problem was wrapped again")
	}
}

func TestInvalidKeepsKindCauseAndNext(t *testing.T) {
	err := problem.Invalid("make it", "bundle a.wasm: %w", fs.ErrNotExist)
	if !errors.Is(err, problem.ErrInvalid) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v lost its kind or cause", err)
	}
	if err.Error() != "bundle a.wasm: file does not exist" || problem.Next(err) != "make it" {
		t.Errorf("got %q, next %q", err, problem.Next(err))
	}
	outer := problem.Invalid("", "submit: %w", err)
	if problem.Next(outer) != "make it" {
		t.Error("the inner next step is not found")
	}
}

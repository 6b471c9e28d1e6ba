package cli

import (
	"context"
	"encoding/json"
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/internal/jsonapi"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
)

// message writes a message of the grid's contract as a line of an answer.
func (s *apiServer) message(id int64, name string, m proto.Message, err error) error {
	if err != nil {
		return err
	}
	text, err := jsonapi.Marshal(m)
	if err != nil {
		return err
	}
	s.write(map[string]any{"id": id, name: json.RawMessage(text)})
	return nil
}

// each writes a line for each message of a list.
func each[M proto.Message](s *apiServer, id int64, name string, list func(context.Context) ([]M, error), ctx context.Context) error {
	messages, err := list(ctx)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if err := s.message(id, name, m, nil); err != nil {
			return err
		}
	}
	return nil
}

// fail ends an answer with an error.
func (s *apiServer) fail(id int64, err error) {
	err = problem.FromStatus(err)
	s.write(map[string]any{"id": id, "error": apiError{Kind: kindOf(err), Message: jobs.Printable(err.Error()), Next: jobs.Printable(problem.Next(err))}})
}

// kindOf is what a program tells errors apart by.
func kindOf(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, problem.ErrInvalid):
		return "invalid"
	case errors.Is(err, problem.ErrNotFound):
		return "not_found"
	case errors.Is(err, problem.ErrUnavailable):
		return "unavailable"
	case errors.Is(err, problem.ErrRefused):
		return "refused"
	}
	return "failed"
}

// write sends a line. If nobody reads any more, stdin is about to end as well.
func (s *apiServer) write(line map[string]any) {
	text, err := json.Marshal(line)
	if err != nil {
		panic("cli: JSON of plain values: " + err.Error())
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	_, _ = s.out.Write(append(text, '\n'))
}

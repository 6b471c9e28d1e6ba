package rpc

import (
	"bufio"

	"google.golang.org/grpc"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// backupChunk is how many bytes of a backup one message carries.
const backupChunk = 256 << 10

// Backup implements OperationService.
func (s *Server) Backup(req *anthillv1.BackupRequest, stream grpc.ServerStreamingServer[anthillv1.BackupResponse]) error {
	if err := s.fresh(stream.Context()); err != nil {
		return err
	}
	out := bufio.NewWriterSize(backupWriter{stream}, backupChunk)
	if err := s.cfg.Backup(out, req.GetResults()); err != nil {
		return err
	}
	return out.Flush()
}

// backupWriter sends what is written to it.
type backupWriter struct {
	stream grpc.ServerStreamingServer[anthillv1.BackupResponse]
}

func (w backupWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), backupChunk)
		if err := w.stream.Send(&anthillv1.BackupResponse{Data: rest[:n]}); err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	return len(p), nil
}

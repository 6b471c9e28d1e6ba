package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/ui"
)

// servePage serves a page until the command is interrupted, and prints its links.
func servePage(cmd *cobra.Command, listen, keyFile string, inside http.Handler) error {
	var s *ui.Server
	s, err := ui.Listen(listen, inside, func() {
		fmt.Fprintf(cmd.ErrOrStderr(), "opened; for another browser: %s\n", s.Link())
	})
	if err != nil {
		return err
	}
	defer s.Close()
	if keyFile != "" {
		if err := writeKey(keyFile, s); err != nil {
			return err
		}
		defer os.Remove(keyFile)
	}
	fmt.Fprintln(cmd.OutOrStdout(), s.Link())
	fmt.Fprintln(cmd.ErrOrStderr(), "open this link in a browser; Ctrl-C ends the page")
	if err := s.Run(cmd.Context()); err != nil {
		return err
	}
	return nil
}

// writeKey tells programs of this user how to reach the API.
func writeKey(path string, s *ui.Server) error {
	text, err := json.Marshal(map[string]string{"url": s.URL(), "key": s.Key()})
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	_, err = file.Write(append(text, '\n'))
	return errors.Join(err, file.Close())
}

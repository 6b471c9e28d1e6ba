package rescue

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/anthill-grid/anthill/jobs"
)

// wordFile is how a rescue tells the coordinator that starts in a directory which others
// it has to dismiss.
const wordFile = "rescued.json"

type word struct {
	Gone []jobs.NodeID `json:"gone"`
}

func leaveWord(dir string, gone []jobs.NodeID) error {
	text, err := json.Marshal(word{gone})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, wordFile), append(text, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("note which coordinators are gone: %w", err)
	}
	return nil
}

// Word is whether the coordinator in a directory was rescued since it last led, and which
// others are gone.
func Word(dir string) (gone []jobs.NodeID, rescued bool, err error) {
	text, err := os.ReadFile(filepath.Join(dir, wordFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	var w word
	if err == nil {
		err = json.Unmarshal(text, &w)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read which coordinators are gone: %w", err)
	}
	return w.Gone, true, nil
}

// Heeded forgets the word: what it says is in the log.
func Heeded(dir string) error { return os.Remove(filepath.Join(dir, wordFile)) }

package localgrid

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"

	"github.com/anthill-grid/anthill/internal/problem"
)

// portsFile keeps the ports in the grid's directory.
const portsFile = "ports.json"

// ports are the coordinators' ports. Once a grid is founded they stay the same, since
// coordinators know each other by them.
func ports(dir string, n int, founded bool) ([]int, error) {
	path := filepath.Join(dir, portsFile)
	data, err := os.ReadFile(path)
	if err == nil {
		ports, err := keptPorts(path, data, n)
		if err == nil || founded {
			return ports, err
		}
	} else if founded || !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	ports, err := freePorts(n)
	if err != nil {
		return nil, err
	}
	if data, err = json.Marshal(ports); err != nil {
		return nil, err
	}
	return ports, os.WriteFile(path, data, 0o600)
}

// keptPorts reads the ports of an earlier start, and looks whether they are free.
func keptPorts(path string, data []byte, n int) ([]int, error) {
	var ports []int
	if err := json.Unmarshal(data, &ports); err != nil || len(ports) != n {
		return nil, problem.Invalid("give this grid another directory",
			"%s does not name the ports of %d coordinators", path, n)
	}
	for i, port := range ports {
		if !isFree(port) {
			return nil, problem.Invalid("stop the program that has it, or begin a new grid in another directory",
				"port %d of 127.0.0.1 is taken, which coordinator c%d of this grid needs: the others know it by that", port, i+1)
		}
	}
	return ports, nil
}

// freePorts looks below the range from which systems take the ports of
// outgoing connections, which might be gone a moment later.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range 1000 {
		if len(ports) == n {
			return ports, nil
		}
		if p := 20000 + rand.IntN(10_000); isFree(p) && !slices.Contains(ports, p) {
			ports = append(ports, p)
		}
	}
	return nil, errors.New("start grid: no free ports between 20000 and 30000 on 127.0.0.1")
}

func isFree(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	return err == nil && l.Close() == nil
}

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
)

// ports are the coordinators' ports, each with the next one free for gossip.
// They are kept in the grid's directory, since coordinators know each other by
// them.
func ports(dir string, n int) ([]int, error) {
	path := filepath.Join(dir, "ports.json")
	data, err := os.ReadFile(path)
	if err == nil {
		var ports []int
		if err := json.Unmarshal(data, &ports); err != nil || len(ports) != n {
			return nil, fmt.Errorf("%s does not name the ports of %d coordinators: remove the directory to start afresh", path, n)
		}
		return ports, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
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

// freePorts looks below the range from which systems take the ports of
// outgoing connections, which might be gone a moment later.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range 1000 {
		if len(ports) == n {
			return ports, nil
		}
		if p := 20000 + 2*rand.IntN(5000); isFree(p) && isFree(p+1) {
			ports = append(ports, p)
		}
	}
	return nil, errors.New("start grid: no free ports between 20000 and 30000 on 127.0.0.1")
}

func isFree(port int) bool {
	address := fmt.Sprintf("127.0.0.1:%d", port)
	l, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	defer l.Close()
	u, err := net.ListenPacket("udp", address)
	if err != nil {
		return false
	}
	return u.Close() == nil
}

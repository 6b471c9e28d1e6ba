package archtest

// A pattern is a package's path within the module. It may end in /... for the
// package and all below it; "." is the module's root. The most exact pattern
// that fits a package is the one that counts.

// layer is a set of packages. A package may import from its own layer and from
// those before it.
type layer struct {
	name     string
	patterns []string
}

// layers, the lowest first.
var layers = []layer{
	{"the pure bottom", []string{"internal/blob", "internal/module/...", "sdk/task"}},
	{"the domain", []string{"jobs"}},
	{"the messages", []string{"proto/..."}},
	{"the wire", []string{"internal/wire"}},
	{"the adapters", []string{"internal/...", "web"}},
	{"the rooms", []string{"coordinator/...", "worker/..."}},
	{"the houses", []string{"coordinator", "worker", "sdk/..."}},
	{"the examples", []string{"examples/..."}},
	{"the commands", []string{"internal/cli/...", "internal/lab/localgrid", "internal/lab/simgrid"}},
	{"main", []string{"."}},
	{"the tests' tools", []string{"internal/lab/..."}}, // what a command plays with is above
}

// testTool says whether a package belongs to the last layer: test files and
// its own packages import it, and nothing else.
func testTool(pkg string) bool { return layerOf(pkg) == len(layers)-1 }

// ban forbids imports from one set of packages to another, without exceptions.
type ban struct {
	from, to []string
	why      string
	mend     string
}

var bans = []ban{
	{
		from: []string{"coordinator/..."}, to: []string{"worker/..."},
		why:  "coordinators and workers are different programs that meet only on the wire",
		mend: "move what both need down to jobs or an adapter, or send it in a message of proto/anthill/v1",
	},
	{
		from: []string{"worker/..."}, to: []string{"coordinator/..."},
		why:  "workers and coordinators are different programs that meet only on the wire",
		mend: "move what both need down to jobs or an adapter, or send it in a message of proto/anthill/v1",
	},
	{
		from: []string{"coordinator/desk"}, to: []string{"coordinator/keeper", "coordinator/rpc"},
		why:  "the desk is what only the leader does: neither what every coordinator holds nor how calls reach it",
		mend: "have the coordinator hand on what it needs in desk.Config; what rpc needs of the desk it imports",
	},
	{
		from: []string{"coordinator/keeper"}, to: []string{"coordinator/desk", "coordinator/rpc"},
		why:  "the keeper works alike on all coordinators, and most of them have no desk",
		mend: "have the coordinator hand on what it needs of the leader in keeper.Config",
	},
	{
		from: []string{"sdk/..."}, to: []string{"coordinator/...", "worker/..."},
		why:  "a submitter is a client: what it knows of the grid came over the wire",
		mend: "ask a coordinator over gRPC",
	},
	{
		from: []string{"examples/..."}, to: []string{"jobs", "proto/...", "internal/...", "coordinator/...", "worker/..."},
		why:  "examples show what anybody can write outside of this module",
		mend: "use sdk and sdk/task, and extend them if they lack something",
	},
	{
		from: []string{"jobs", "proto/...", "internal/...", "coordinator/...", "worker/...", "sdk/..."},
		to:   []string{"internal/cli/..."},
		why:  "the command line is the outermost layer: only main.go knows it",
		mend: "move what you need out of internal/cli, to the package whose subject it is",
	},
}

// diet lists all that a package may import besides packages of this module
// that its layer allows. It binds what is compiled into the binary, not tests.
type diet struct {
	patterns []string
	allowed  []string // standard library packages; a pattern may end in /...
	why      string
	mend     string
}

// plain are the standard packages that compute and do nothing else.
var plain = []string{
	"bytes", "cmp", "container/...", "encoding/...", "errors", "fmt", "hash/...", "io", "iter", "maps",
	"math", "math/big", "math/bits", "slices", "sort", "strconv", "strings", "unicode/...", "unicode",
	"crypto/sha256", "crypto/subtle", "bufio",
}

var diets = []diet{
	{
		patterns: []string{"jobs"},
		allowed: []string{
			"bytes", "cmp", "container/heap", "container/list", "crypto/sha256", "encoding", "encoding/binary", "encoding/hex",
			"errors", "fmt", "hash", "io", "iter", "maps", "math", "math/bits", "regexp", "slices", "sort", "strconv", "strings",
			"time", "unicode", "unicode/utf8",
		},
		why:  "replicas apply the same commands and must come to the same state: no proto, raft, network, disk, clock or randomness",
		mend: "let the proposer decide it and send it in the command; adapters go to coordinator/replica",
	},
	{
		patterns: []string{"internal/blob"}, allowed: append([]string{"crypto/ed25519"}, plain...),
		why:  "blobs are arithmetic on bytes that every part of the grid must agree on",
		mend: "put I/O into internal/blobstore or internal/swarm",
	},
	{
		patterns: []string{"internal/module/..."}, allowed: plain,
		why:  "screening and rewriting a module are pure functions of its bytes, so that submitter, coordinator and worker agree",
		mend: "put what needs wazero or the disk into worker/sandbox",
	},
	{
		patterns: []string{"sdk/task"}, allowed: append([]string{"os"}, plain...),
		why:  "it is compiled into guests, which have no network and pay for every import at each start",
		mend: "use the standard library's plain packages",
	},
}

// refusedNames say nothing of what is in a package.
var refusedNames = []string{"utils", "util", "common", "helpers", "helper", "models", "misc", "shared"}

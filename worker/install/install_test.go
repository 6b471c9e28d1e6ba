package install

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// TestTheUnit has what makes a donor's worker: it starts with the machine, comes back, and
// is somebody who may do nothing else.
func TestTheUnit(t *testing.T) {
	w := On("linux", "--hours", "mon-fri 20:00-08:00", "--upload", "10mbit", "--only-owners", `a"b$c%d`)
	unit := w.unit()
	for _, line := range []string{
		"User=anthill-worker", "Restart=always", "NoNewPrivileges=yes", "WantedBy=multi-user.target", "StartLimitIntervalSec=0",
		`ExecStart=/usr/local/lib/anthill/anthill worker --data /var/lib/anthill-worker --hours "mon-fri 20:00-08:00" --upload 10mbit --only-owners "a\"b$$c%%d"`,
	} {
		if !strings.Contains(unit, "\n"+line+"\n") {
			t.Errorf("it lacks %q:\n%s", line, unit)
		}
	}
	if strings.Contains(unit, "{{") || strings.Contains(unit, "--join") {
		t.Errorf("it is a template, or has a token:\n%s", unit)
	}
}

// TestThePlist is XML whatever the arguments are.
func TestThePlist(t *testing.T) {
	plist := On("darwin", "--only-owners", "a<b>&c").plist()
	d := xml.NewDecoder(strings.NewReader(plist))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v:\n%s", err, plist)
		}
	}
	for _, part := range []string{"<string>_anthill</string>", "<string>a&lt;b&gt;&amp;c</string>", "<key>KeepAlive</key>", "<key>RunAtLoad</key>"} {
		if !strings.Contains(plist, part) {
			t.Errorf("it lacks %q:\n%s", part, plist)
		}
	}
}

// TestPrintSaysAllSteps and does none of them.
func TestPrintSaysAllSteps(t *testing.T) {
	for _, system := range []string{"linux", "darwin", "windows"} {
		w := On(system)
		var out strings.Builder
		w.Print(&out)
		for _, part := range []string{w.Exe, w.Dir, w.User, name, "# start it"} {
			if !strings.Contains(out.String(), part) {
				t.Errorf("%s: it does not name %q:\n%s", system, part, out.String())
			}
		}
		if _, err := os.Lstat(w.Dir); err == nil {
			t.Errorf("%s is there", w.Dir)
		}
	}
}

package install

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// unit is the service for systemd. Guests have walls of their own; these keep the worker
// itself away from what it has no business with.
func (w Worker) unit() string {
	command := []string{quote(w.Exe)}
	for _, a := range w.arguments() {
		command = append(command, quote(a))
	}
	return `[Unit]
Description=` + description + `
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
User=` + w.User + `
ExecStart=` + strings.Join(command, " ") + `
Restart=always
RestartSec=10
KillSignal=SIGTERM
TimeoutStopSec=30
Nice=19
NoNewPrivileges=yes
ProtectHome=yes
ProtectSystem=full
PrivateTmp=yes
UMask=0077

[Install]
WantedBy=multi-user.target
`
}

// quote writes an argument as units have it.
func quote(arg string) string {
	arg = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "$", "$$", "\n", `\n`).Replace(arg)
	if arg == "" || strings.ContainsAny(arg, " \t;'") || strings.Contains(arg, `\`) {
		return `"` + arg + `"`
	}
	return arg
}

// plist is the service for launchd.
func (w Worker) plist() string {
	var command strings.Builder
	for _, a := range append([]string{w.Exe}, w.arguments()...) {
		fmt.Fprintf(&command, "\t\t<string>%s</string>\n", escape(a))
	}
	return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>` + name + `</string>
	<key>UserName</key>
	<string>` + w.User + `</string>
	<key>ProgramArguments</key>
	<array>
` + command.String() + `	</array>
	<key>RunAtLoad</key>
	<true/>
	<key>KeepAlive</key>
	<true/>
	<key>ProcessType</key>
	<string>Background</string>
	<key>Umask</key>
	<integer>63</integer>
</dict>
</plist>
`
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a builder takes everything
	return b.String()
}

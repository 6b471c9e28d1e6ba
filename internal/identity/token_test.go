package identity

import (
	"crypto/sha256"
	"encoding/base64"
	"reflect"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/jobs"
)

func sampleToken(t testing.TB) Token {
	t.Helper()
	token, err := NewToken([32]byte{1, 2, 3}, jobs.Worker, []string{"192.0.2.7:7600", "[2001:db8::1]:7600", "grid.example.org:7600"})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTokenRoundTrip(t *testing.T) {
	for _, role := range []jobs.Role{jobs.Coordinator, jobs.Worker, jobs.Submitter, jobs.Operator} {
		token := sampleToken(t)
		token.Role = role
		s := token.String()
		got, err := ParseToken("\t" + s + "\n")
		if err != nil || !reflect.DeepEqual(got, token) {
			t.Errorf("parsed %+v, %v: want %+v", got, err, token)
		}
	}
	a, b := sampleToken(t), sampleToken(t)
	if a.Secret == b.Secret {
		t.Error("two tokens have the same secret")
	}
	if a.Hash() != HashSecret(a.Secret[:]) || a.Hash() != sha256.Sum256(a.Secret[:]) {
		t.Error("the hash is not that of the secret")
	}
}

func TestMistypedTokens(t *testing.T) {
	s := sampleToken(t).String()
	for i := range s {
		typo := byte('A')
		if s[i] == typo {
			typo = 'B'
		}
		if _, err := ParseToken(s[:i] + string(typo) + s[i+1:]); err == nil {
			t.Errorf("a typo at %d passed", i)
		}
	}
	for n := range s {
		_, err := ParseToken(s[:n])
		if err == nil {
			t.Errorf("the first %d characters passed", n)
		} else if n >= len(tokenPrefix) && !strings.Contains(err.Error(), "cut short") {
			t.Errorf("the first %d characters: %v: want it to say that they are cut short", n, err)
		}
	}
}

func TestTokenErrors(t *testing.T) {
	for s, want := range map[string]string{
		"":                               `does not start with "anthill-"`,
		"eyJhbGciOi":                     "anthill token create",
		"anthill-":                       "cut short",
		"anthill-AQ":                     "cut short",
		"anthill-!!":                     "mistyped or cut short",
		"anthill-CQAA":                   "made by a newer anthill",
		sampleToken(t).String() + "AAAA": "mistyped",
	} {
		_, err := ParseToken(s)
		wantError(t, err, want)
	}
}

// A right checksum does not make a token right.
func TestForgedTokens(t *testing.T) {
	token := sampleToken(t)
	body, err := openToken(token.String())
	if err != nil {
		t.Fatal(err)
	}
	count := tokenHeader + 32 + 16
	for name, change := range map[string]func([]byte){
		"role":               func(b []byte) { b[tokenHeader-1] = 77 },
		"stranger":           func(b []byte) { b[tokenHeader-1] = 0 },
		"no addresses":       func(b []byte) { b[count] = 0 },
		"too many addresses": func(b []byte) { b[count] = 200 },
		"long address":       func(b []byte) { b[count+1] = 250 },
		"port is missing":    func(b []byte) { b[count+2+len("192.0.2.7")] = '.' },
	} {
		b := append([]byte(nil), body...)
		change(b)
		sum := sha256.Sum256(b)
		s := tokenPrefix + base64.RawURLEncoding.EncodeToString(append(b, sum[:tokenChecksum]...))
		if got, err := ParseToken(s); err == nil {
			t.Errorf("%s: parsed as %+v", name, got)
		}
	}
}

func TestNewTokenRefusals(t *testing.T) {
	for name, addresses := range map[string][]string{
		"none":     nil,
		"no port":  {"192.0.2.7"},
		"no host":  {":7600"},
		"too long": {strings.Repeat("a", 300) + ":1"},
		"too many": strings.Split(strings.Repeat("h:1 ", 17)+"h:1", " "),
	} {
		if _, err := NewToken([32]byte{}, jobs.Worker, addresses); err == nil {
			t.Errorf("%s: a token was made", name)
		}
	}
	if _, err := NewToken([32]byte{}, jobs.Stranger, []string{"h:1"}); err == nil {
		t.Error("a token for strangers was made")
	}
}

func FuzzParseToken(f *testing.F) {
	s := sampleToken(f).String()
	for _, seed := range []string{"", "anthill-", s, s[:20], s + "A", strings.ToUpper(s), "anthill-" + strings.Repeat("A", 84)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		token, err := ParseToken(s)
		if err != nil {
			return
		}
		again, err := ParseToken(token.String())
		if err != nil || !reflect.DeepEqual(again, token) {
			t.Errorf("%+v became %+v, %v", token, again, err)
		}
	})
}

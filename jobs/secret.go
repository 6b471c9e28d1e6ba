package jobs

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
)

// Hidden is the spec as it is shown: of secret values there is a digest, by which two of
// them can be told apart.
func (s Spec) Hidden() Spec {
	if len(s.Secret) == 0 {
		return s
	}
	s.Env = maps.Clone(s.Env)
	for _, k := range s.Secret {
		s.Env[k] = digest(s.Env[k])
	}
	return s
}

// Reveal puts the values of an earlier job's secrets in the place of their digests: a job
// that is tried again is made from what was shown of it.
func (s Spec) Reveal(earlier Spec) Spec {
	if len(s.Secret) == 0 {
		return s
	}
	shown := earlier.Hidden()
	s.Env = maps.Clone(s.Env)
	for _, k := range s.Secret {
		if value, had := earlier.Env[k]; had && s.Env[k] == shown.Env[k] {
			s.Env[k] = value
		}
	}
	return s
}

func digest(value string) string {
	sum := sha256.Sum256([]byte(value))
	return "sha256:" + hex.EncodeToString(sum[:6])
}

package identity

import (
	"crypto/x509"
	"errors"
	"time"

	"github.com/anthill-grid/anthill/internal/problem"
)

// since is the time at which to judge certificates: now, or the beginning of the last of
// them. The clocks of donors are behind by hours, or by decades until they have asked the
// network, and nobody shows a certificate before it was made.
func since(now time.Time, certificates ...*x509.Certificate) time.Time {
	for _, c := range certificates {
		if c.NotBefore.After(now) {
			now = c.NotBefore
		}
	}
	return now
}

// explain says of a certificate that has ended that it may be the clock that is wrong.
func explain(err error) error {
	var invalid x509.CertificateInvalidError
	if !errors.As(err, &invalid) || invalid.Reason != x509.Expired {
		return err
	}
	return problem.Invalid("set this machine's clock right; if it is, join the grid again with a new token",
		"it has expired: it ended at %s, and this machine's clock says %s", clock(invalid.Cert.NotAfter), clock(time.Now()))
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") }

// Behind is how far at least this machine's clock is behind: its certificate was made
// in what the clock takes for the future. Zero tells nothing.
func (id *Identity) Behind() time.Duration {
	return max(0, time.Until(id.now.Load().leaves[0].NotBefore.Add(clockSkew)))
}

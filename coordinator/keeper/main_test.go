package keeper

import (
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/voter"
)

func TestMain(m *testing.M) { voter.Main(m) }

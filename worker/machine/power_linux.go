package machine

import (
	"os"

	"github.com/anthill-grid/anthill/worker/limits"
)

func power() (limits.Power, error) { return supplies(os.DirFS("/sys/class/power_supply")) }

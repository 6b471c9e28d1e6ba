package machine

import "os"

func onBattery() (bool, error) { return supplies(os.DirFS("/sys/class/power_supply")) }

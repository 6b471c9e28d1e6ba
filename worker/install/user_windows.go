package install

// makeUser has nothing to do: Windows has a user for each service.
func (w Worker) makeUser() error   { return nil }
func (w Worker) removeUser() error { return nil }

func (w Worker) giveDir() error {
	return run("icacls", w.Dir, "/inheritance:r", "/grant:r", "*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F", w.User+":(OI)(CI)F", "/T", "/Q")
}

package install

import (
	"errors"
	"os/user"
)

func (w Worker) makeUser() error {
	if known(w.User) {
		return nil
	}
	return run("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", w.Dir, "--shell", "/usr/sbin/nologin", w.User)
}

func (w Worker) removeUser() error {
	if !known(w.User) {
		return nil
	}
	return run("userdel", w.User)
}

func (w Worker) giveDir() error { return giveTo(w.Dir, w.User) }

func known(name string) bool {
	_, err := user.Lookup(name)
	var unknown user.UnknownUserError
	return !errors.As(err, &unknown)
}

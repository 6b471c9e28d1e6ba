// Package rescue is for a grid whose coordinators are gone: it reads the data directory
// of one that does not run, makes it the only voter, packs a grid into one file and makes
// a coordinator from it.
package rescue

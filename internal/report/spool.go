package report

import (
	"bytes"
	"errors"
	"io"
	"os"
	"unicode/utf8"
)

// spool keeps what a stream says until it can be handed on: a little in memory, and where that is not enough all of it in a
// temporary file, which others cannot read.
type spool struct {
	memory bytes.Buffer
	file   *os.File
	name   string // of a file that is still to be removed

	binary bool   // it has what is no UTF-8
	cut    []byte // a character that has not ended yet
}

// inMemory is how much of a stream is kept in memory.
const inMemory = 256 << 10

func (s *spool) Write(b []byte) (int, error) {
	s.look(b)
	if s.file == nil && s.memory.Len()+len(b) > inMemory {
		if err := s.spill(); err != nil {
			return 0, err
		}
	}
	if s.file != nil {
		return s.file.Write(b)
	}
	return s.memory.Write(b)
}

// look finds out whether what is written is text.
func (s *spool) look(b []byte) {
	if s.binary {
		return
	}
	if len(s.cut) > 0 {
		b = append(s.cut, b...)
	}
	n := whole(b)
	s.binary = !utf8.Valid(b[:n])
	s.cut = append([]byte(nil), b[n:]...)
}

func (s *spool) spill() (err error) {
	if s.file, err = os.CreateTemp("", "winrmctl-output-"); err != nil {
		return err
	}
	if os.Remove(s.file.Name()) != nil { // Windows removes no open file
		s.name = s.file.Name()
	}
	_, err = s.memory.WriteTo(s.file)
	s.memory = bytes.Buffer{}
	return err
}

// isText reports whether all of it is UTF-8.
func (s *spool) isText() bool { return !s.binary && len(s.cut) == 0 }

// reader gives all of it, once.
func (s *spool) reader() (io.Reader, error) {
	if s.file == nil {
		return &s.memory, nil
	}
	_, err := s.file.Seek(0, io.SeekStart)
	return s.file, err
}

// close removes what was kept.
func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if s.name != "" {
		err = errors.Join(err, os.Remove(s.name))
	}
	return err
}

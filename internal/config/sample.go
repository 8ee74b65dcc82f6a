package config

import (
	"errors"
	"os"
	"path/filepath"
)

// Sample is a first configuration file in YAML: explained, with every example commented out.
func Sample() []byte { return []byte(sample) }

// Init writes Sample to a new file that only the user can read, and makes the directories above it.
// It never overwrites. The error is *Error.
func Init(path string) error {
	switch ext := filepath.Ext(path); {
	case os.IsPathSeparator(path[len(path)-1]):
		return &Error{[]Problem{{File: path, Text: "names a directory", Hint: "name a file that ends in .yaml"}}}
	case ext != ".yaml" && ext != ".yml" && ext != "":
		return &Error{[]Problem{{File: path, Text: "the sample is YAML", Hint: "name a file that ends in .yaml"}}}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fileError(filepath.Dir(path), err)
	}
	return WriteNew(path, Sample())
}

// WriteNew writes a configuration to a new file that only the user can read. It never overwrites, and leaves no half of a
// file behind. The error is *Error.
func WriteNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return &Error{[]Problem{{File: path, Text: "exists already", Hint: "edit it, or move it away first"}}}
	}
	if err != nil {
		return fileError(path, err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return fileError(path, errors.Join(err, os.Remove(path)))
	}
	return nil
}

// In the sample "# " and a word begin words, every other "#" an example: taking those away leaves a
// configuration.
const sample = `# Configuration of winrmctl. All keys and what they mean: docs/configuration.md.
# Lines that begin with # are not read; take the # away to use an example.
# "winrmctl config validate" says what is wrong, "winrmctl config view TARGET" what holds for a target.

# What holds for every target that does not say otherwise.
#defaults:
#  auth: auto                # auto, ntlm, basic, certificate, kerberos
#  operation_timeout: 60s    # how long the server may keep one request waiting
#  connect_timeout: 10s

# Accounts, to be named by profiles. Give one of password_command, password_file and password_env.
#credentials:
#  ops:
#    username: 'CORP\svc-ops'
#    password_command: pass show winrm/ops    # its first line of output is the password
#  admin:
#    username: '.\Administrator'              # an account of the target itself
#    password_file: admin.password            # beside this file

# Servers, by a name of your choice: winrmctl exec web1 hostname
#profiles:
#  web1:
#    description: first web server
#    host: web1.corp.example
#    https: true
#    credential: ops
#    tls:
#      ca_file: ca.pem
#    env:
#      STAGE: prod
#  lab:
#    url: http://10.0.0.7:5985/wsman
#    credential: admin

# Several servers under one name: winrmctl exec @all hostname
#groups:
#  web: [web1]
#  db:                        # hosts need no profile, and can share values
#    members: ['db[01:02].corp.example']
#    credential: ops
#  all: ['@web', '@db', lab]
`

package ntlm

import "strings"

// Account is who logs in, as MS-NLMP wants it said.
type Account struct {
	Domain string // empty for user@realm and for a bare name: then the server decides
	User   string
	Local  bool // an account of the server itself (.\user): its domain is the server's computer name
}

// ParseAccount splits the ways in which people write an account: DOMAIN\user, user@realm (a UPN, which stays whole with
// an empty domain), user, and .\user. Only the first backslash counts.
func ParseAccount(name string) Account {
	domain, user, ok := strings.Cut(name, `\`)
	switch {
	case !ok:
		return Account{User: name}
	case domain == ".":
		return Account{User: user, Local: true}
	}
	return Account{Domain: domain, User: user}
}

// domainFor returns the domain to authenticate against a server that sent these AV pairs.
func (a Account) domainFor(pairs AVPairs) string {
	if a.Local {
		return pairs.Text(AvNbComputerName)
	}
	return a.Domain
}

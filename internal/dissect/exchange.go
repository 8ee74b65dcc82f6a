package dissect

import (
	"bytes"
	"fmt"
	"time"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
)

// Options is what is known beside the tokens.
type Options struct {
	Negotiate, Challenge *Token // that belong to AUTHENTICATE_MESSAGEs whose input lacks them, or has others; nil for none
	Password             *string
	Account              string // that the password is said to belong to, as people write it; "" for the one in the message
	Keys                 bool   // tell the session's keys where the password fits
}

// A Report is all that can be said of some tokens.
type Report struct {
	Tokens    []*Token
	Exchanges []*Exchange // one for each AUTHENTICATE_MESSAGE
}

// An Exchange is an AUTHENTICATE_MESSAGE with the two messages before it, as far as they are known.
type Exchange struct {
	Negotiate, Challenge, Authenticate *Ref // nil where there is none
	Domain, User, Workstation          string
	Pairs                              PairChanges
	Checks                             []Check
	Findings                           []Finding
	Keys                               *ntlm.SessionKeys // nil where they are not asked for, or the password does not fit

	negotiate, challenge, authenticate *ntlmView
	mechTypes, clientMIC, serverMIC    []byte // of SPNEGO
}

// A Ref points to a token.
type Ref struct {
	Token  int    // from 1, in Report.Tokens; 0 for one that is not there
	Origin string // of a token that is not there: what the caller calls it
}

func (r *Ref) String() string {
	if r.Origin != "" {
		return r.Origin
	}
	return fmt.Sprintf("token %d", r.Token)
}

// Analyse puts tokens together to exchanges, in their order, and checks these.
func Analyse(tokens []*Token, o Options) *Report {
	report := &Report{Tokens: tokens}
	report.pair(o)
	var challenges []*challenge
	if o.Challenge != nil {
		challenges = appendChallenge(challenges, &Ref{Origin: o.Challenge.Source.Origin}, o.Challenge)
	}
	for i, t := range tokens {
		challenges = appendChallenge(challenges, &Ref{Token: i + 1}, t)
	}
	for _, x := range report.Exchanges {
		x.compare()
		x.accountFinding(o.Account)
		x.verify(o, challenges)
	}
	return report
}

// A challenge is one that a response may have been made for.
type challenge struct {
	ref  *Ref
	view *ntlmView
}

func appendChallenge(list []*challenge, ref *Ref, t *Token) []*challenge {
	v := t.ntlmMessage()
	if v == nil || v.kind != ntlm.TypeChallenge || v.serverChallenge == nil || len(list) == maxChallenges {
		return list
	}
	return append(list, &challenge{ref, v})
}

// maxChallenges bounds the search for the challenge that a response was made for.
const maxChallenges = 16

// pair finds the messages that belong together: each AUTHENTICATE_MESSAGE with the last messages before it. What the
// options say goes before.
func (r *Report) pair(o Options) {
	now := Exchange{}
	for i, t := range r.Tokens {
		ref := &Ref{Token: i + 1}
		if s := t.negotiation(); s != nil {
			if s.mechTypes != nil {
				now.mechTypes = s.mechTypes
			} else if last := len(r.Exchanges) - 1; s.mechListMIC != nil && t.ntlmMessage() == nil && last >= 0 {
				r.Exchanges[last].serverMIC = s.mechListMIC
			}
		}
		v := t.ntlmMessage()
		if v == nil {
			continue
		}
		switch v.kind {
		case ntlm.TypeNegotiate:
			now.Negotiate, now.negotiate, now.Challenge, now.challenge = ref, v, nil, nil
			if s := t.negotiation(); s == nil {
				now.mechTypes = nil
			}
		case ntlm.TypeChallenge:
			now.Challenge, now.challenge = ref, v
		case ntlm.TypeAuthenticate:
			x := now
			x.Authenticate, x.authenticate = ref, v
			x.Domain, x.User, x.Workstation = v.domain, v.user, v.workstation
			if s := t.negotiation(); s != nil {
				x.clientMIC = s.mechListMIC
			}
			x.given(o)
			r.Exchanges = append(r.Exchanges, &x)
		}
	}
}

// given puts in the messages that the options have.
func (x *Exchange) given(o Options) {
	if o.Negotiate != nil {
		if v := o.Negotiate.ntlmMessage(); v != nil && v.kind == ntlm.TypeNegotiate {
			x.Negotiate, x.negotiate = &Ref{Origin: o.Negotiate.Source.Origin}, v
		}
		if s := o.Negotiate.negotiation(); s != nil {
			x.mechTypes = s.mechTypes
		}
	}
	if o.Challenge != nil {
		if v := o.Challenge.ntlmMessage(); v != nil && v.kind == ntlm.TypeChallenge {
			x.Challenge, x.challenge = &Ref{Origin: o.Challenge.Source.Origin}, v
		}
	}
}

// PairChanges is what a client made of the challenge's AV pairs.
type PairChanges struct {
	Known     bool // the challenge is there; without it Added has what only clients send, which is a good guess
	Added     []ntlm.AVID
	Changed   []ntlm.AVID
	Dropped   []ntlm.AVID
	Reordered bool // those of the challenge stand in another order
}

// compare finds what the client changed, and what that says.
func (x *Exchange) compare() {
	client := x.authenticate
	if client.responseVersion() != 2 {
		return
	}
	if x.challenge == nil || !x.challenge.pairsWhole {
		for _, pair := range client.pairs {
			if clientsOwn(pair.ID) {
				x.Pairs.Added = append(x.Pairs.Added, pair.ID)
			}
		}
		return
	}
	x.Pairs = changes(x.challenge.pairs, client.pairs)
	x.clockFindings()
	if extra := client.flags &^ x.challenge.flags; client.flagged && x.challenge.flagged && extra != 0 {
		x.remark(Info, "flags-not-offered", "the client sets flags that the challenge does not have: "+flagNames(extra), "")
	}
}

func changes(server, client ntlm.AVPairs) PairChanges {
	c := PairChanges{Known: true}
	was, is := firstValues(server), firstValues(client)
	var order []ntlm.AVID
	for _, pair := range client {
		value, ok := was[pair.ID]
		if !ok {
			c.Added = append(c.Added, pair.ID)
			continue
		}
		order = append(order, pair.ID)
		if !bytes.Equal(value, pair.Value) {
			c.Changed = append(c.Changed, pair.ID)
		}
	}
	next := 0
	for _, pair := range server {
		if _, ok := is[pair.ID]; !ok {
			c.Dropped = append(c.Dropped, pair.ID)
			continue
		}
		c.Reordered = c.Reordered || next < len(order) && order[next] != pair.ID
		next++
	}
	return c
}

func firstValues(pairs ntlm.AVPairs) map[ntlm.AVID][]byte {
	first := map[ntlm.AVID][]byte{}
	for _, pair := range pairs {
		if _, ok := first[pair.ID]; !ok {
			first[pair.ID] = pair.Value
		}
	}
	return first
}

// maxLifetime is how old a challenge may be for Windows (appendix B <39>).
const maxLifetime = 36 * time.Hour

// clockFindings compares the server's clock with the time in the response. Only where they differ does that say something:
// a client copies the challenge's (3.1.5.1.2).
func (x *Exchange) clockFindings() {
	server, ok := x.challenge.pairs.Timestamp()
	if !ok || x.authenticate.temp() == nil {
		return
	}
	if echoed, ok := x.authenticate.pairs.Timestamp(); ok && !echoed.Equal(server) {
		x.remark(Warning, "another-challenge", "the response carries another MsvAvTimestamp than the challenge: it answers another challenge",
			"take both from one connection: a login that is spread over several connections fails in this way")
		return
	}
	ft := littleEndian(x.authenticate.temp()[8:16])
	difference := ntlm.TimeOf(ft).Sub(server)
	switch {
	case difference == 0:
	case difference > maxLifetime, difference < -maxLifetime:
		x.remark(Warning, "clock", fmt.Sprintf("TimeStamp is %s the server's time, which it should copy: servers refuse more than 36 hours", ahead(difference)), "set the client's clock")
	default:
		x.remark(Info, "clock", fmt.Sprintf("TimeStamp is the client's own, %s the server's time, which it should copy (3.1.5.1.2)", ahead(difference)), "")
	}
}

func ahead(d time.Duration) string {
	if d < 0 {
		return span(-d) + " behind"
	}
	return span(d) + " ahead of"
}

func span(d time.Duration) string {
	if d >= 48*time.Hour || d < 0 { // the longest duration there is has no negative
		return fmt.Sprintf("%d days", uint64(d)/uint64(24*time.Hour))
	}
	return d.Round(time.Millisecond).String()
}

func (x *Exchange) remark(severity, code, text, hint string) {
	x.Findings = append(x.Findings, Finding{Code: code, Severity: severity, Text: text, Hint: hint})
}

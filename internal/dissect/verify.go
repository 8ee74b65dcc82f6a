package dissect

import (
	"crypto/hmac"
	"fmt"
	"strings"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
)

// A Check is whether one part of an exchange fits the password and the other parts.
type Check struct {
	Name     string
	Result   Result
	Text     string    // a sentence
	Mistakes []Mistake // that explain a wrong result exactly
	Guess    string    // what may be the reason where nothing explains it, or ""
	Hint     string    // what to do, or ""
}

// Result is how a check ends.
type Result string

// The results.
const (
	Right     Result = "right"
	Wrong     Result = "wrong"
	Missing   Result = "missing"   // promised, and not there
	Absent    Result = "absent"    // not there, and nobody said that it would be
	Unchecked Result = "unchecked" // something is lacking to tell
)

// The names of the checks.
const (
	CheckProof     = "NTProofStr"
	CheckLMv2      = "LMv2 response"
	CheckNTLMv1    = "NTLMv1 response"
	CheckMIC       = "MIC"
	CheckClientMIC = "mechListMIC of the client"
	CheckServerMIC = "mechListMIC of the server"
)

// Failed reports a result that makes a server or a client refuse the login. A wrong LMv2 response beside an NTLMv2 response
// is none: servers look at the latter.
func (c Check) Failed() bool {
	return (c.Result == Wrong || c.Result == Missing) && c.Name != CheckLMv2
}

func (x *Exchange) check(name string, result Result, text, hint string) *Check {
	x.Checks = append(x.Checks, Check{Name: name, Result: result, Text: text, Hint: hint})
	return &x.Checks[len(x.Checks)-1]
}

// verify checks an exchange, with a password where there is one.
func (x *Exchange) verify(o Options, challenges []*challenge) {
	a := x.authenticate
	unchecked := func(why string) {
		x.check(CheckProof, Unchecked, why, "")
		x.verifyMIC(nil, nil)
	}
	switch {
	case a.responseVersion() == 0:
		x.check(CheckProof, Unchecked, "there is none: the login is anonymous", "")
	case o.Password == nil:
		unchecked("it takes the password to tell")
	case x.challenge == nil || x.challenge.serverChallenge == nil:
		unchecked("it takes the CHALLENGE_MESSAGE that it answers to tell")
	case a.responseVersion() == 1:
		x.verifyV1(*o.Password, challenges)
	case a.temp() == nil:
		unchecked("the message ends before the response does")
	default:
		x.verifyV2(o, challenges)
	}
}

// verifyV2 checks an NTLMv2 response, and all that its key opens.
func (x *Exchange) verifyV2(o Options, challenges []*challenge) {
	found := x.search(o, challenges)
	if found == nil {
		x.unexplained()
		x.verifyMIC(nil, nil)
		return
	}
	if len(found.mistakes) == 0 {
		x.check(CheckProof, Right, "the password, user, domain and challenge fit", "")
	} else {
		x.explained(CheckProof, found.mistakes)
	}
	x.verifyLMv2(found)
	a := x.authenticate
	keys, err := ntlm.DeriveKeys(found.key, [16]byte(a.nt), a.sessionKey, a.flags)
	if err != nil {
		x.verifyMIC(nil, nil)
		return
	}
	x.verifyMIC(&keys, found.challenge)
	x.verifyMechListMIC(keys)
	if o.Keys && len(found.mistakes) == 0 {
		x.Keys = &keys
	}
}

// explained tells a wrong result whose reason is known: with these inputs in place of the right ones it comes out as it was
// sent, which does not happen by chance.
func (x *Exchange) explained(name string, mistakes []Mistake) {
	var with []string
	for _, m := range mistakes {
		with = append(with, m.Text)
	}
	c := x.check(name, Wrong, "it was computed with "+strings.Join(with, ", and with "), mistakes[0].Hint)
	c.Mistakes = mistakes
}

// unexplained tells a wrong result that none of the usual mistakes leads to.
func (x *Exchange) unexplained() {
	c := x.check(CheckProof, Wrong,
		"none of the usual mistakes explains it: another password, or a challenge from another exchange, which cannot be told apart",
		"look at the password first: its keyboard layout, the end of the file that it comes from, whose it is")
	server, timed := x.challenge.pairs.Timestamp()
	client, echoed := x.authenticate.pairs.Timestamp()
	switch {
	case !timed || !echoed:
	case client.Equal(server):
		c.Guess = "a guess: the password, because the AV pairs are those of this challenge"
	default:
		c.Guess = "a guess: the challenge, because the response carries the timestamp of another one"
		c.Hint = "look at the challenge first: take the messages of one connection"
	}
}

// verifyLMv2 checks the response that goes with one to a challenge without a timestamp (3.3.2).
func (x *Exchange) verifyLMv2(found *attempt) {
	lm := x.authenticate.lm
	if len(lm) != ntlmv1Length || allZero(lm) {
		return
	}
	// An LMv2 response is to its client challenge what NTProofStr is to temp.
	want := ntlm.NTProofStr(found.key, [8]byte(found.challenge.serverChallenge), lm[16:])
	if hmac.Equal(want[:], lm[:16]) {
		x.check(CheckLMv2, Right, "it fits the same key", "")
		return
	}
	x.check(CheckLMv2, Wrong, "it does not fit the key of the NTLMv2 response, beside which servers do not look at it", "")
}

// verifyMIC checks the MIC (3.1.5.1.2) where it is there, and says where it is not. keys are nil where they are not known.
func (x *Exchange) verifyMIC(keys *ntlm.SessionKeys, challenge *ntlmView) {
	a := x.authenticate
	switch promised := a.micPromised(); {
	case a.responseVersion() != 2:
	case !promised && !a.pairsWhole:
		x.check(CheckMIC, Unchecked, "the AV pairs end before they say whether there is one", "")
	case a.mic == nil && promised:
		x.check(CheckMIC, Missing, "MsvAvFlags promises it, and the message has no place for it: servers refuse that", "leave 16 bytes between Version and the payload (2.2.1.3)")
	case a.mic == nil:
		x.check(CheckMIC, Absent, "there is none, and none is promised", "")
	case allZero(a.mic) && promised:
		x.check(CheckMIC, Missing, "MsvAvFlags promises it, and the field is zero: servers refuse that", "compute it over the three messages (3.1.5.1.2)")
	case allZero(a.mic):
		x.check(CheckMIC, Absent, "the field is zero, and none is promised", "")
	case keys == nil:
		x.check(CheckMIC, Unchecked, "it takes the session's key to tell: a response that is right, and EncryptedRandomSessionKey", "")
	case x.negotiate == nil:
		x.check(CheckMIC, Unchecked, "it takes the NEGOTIATE_MESSAGE to tell", "")
	case a.broken || x.negotiate.broken || challenge.broken:
		x.check(CheckMIC, Unchecked, "one of the three messages is not whole", "")
	default:
		x.compareMIC(keys, challenge.raw, promised)
	}
}

func (x *Exchange) compareMIC(keys *ntlm.SessionKeys, challenge []byte, promised bool) {
	a, negotiate := x.authenticate, x.negotiate.raw
	is := func(key [16]byte, negotiate []byte) bool {
		mic := ntlm.MIC(key, negotiate, challenge, a.raw)
		return hmac.Equal(mic[:], a.mic)
	}
	const key, all = "its key is the ExportedSessionKey", "it covers all three messages of a connection"
	switch exported, exchange := keys.Exported, keys.KeyExchange; {
	case is(exported, negotiate) && promised:
		x.check(CheckMIC, Right, "the three messages are as they were sent", "")
	case is(exported, negotiate):
		x.check(CheckMIC, Right, "the three messages are as they were sent, but MsvAvFlags does not promise it: servers do not look at it", "")
	case !promised:
		x.check(CheckMIC, Absent, "the field holds something else, and none is promised: servers do not look at it", "")
	case is(exchange, negotiate):
		x.explained(CheckMIC, []Mistake{{"mic-key", "the KeyExchangeKey", key + " (3.1.5.1.2)"}})
	case is(exported, nil):
		x.explained(CheckMIC, []Mistake{{"mic-without-negotiate", "no NEGOTIATE_MESSAGE", all + " (3.1.5.1.2)"}})
	case is(exchange, nil):
		x.explained(CheckMIC, []Mistake{{"mic-without-negotiate", "no NEGOTIATE_MESSAGE, under the KeyExchangeKey", all + ", and " + key + " (3.1.5.1.2)"}})
	default:
		c := x.check(CheckMIC, Wrong, "one of the three messages is not as it was sent, or the client computes it in another way",
			"it covers NEGOTIATE, CHALLENGE and AUTHENTICATE byte for byte, without SPNEGO, with zeros in its own place (3.1.5.1.2)")
		if a.flags.Has(ntlm.KeyExchange) && allZero(a.sessionKey) {
			c.Guess = "a guess: EncryptedRandomSessionKey was blanked out, for it is zero"
		}
	}
}

// verifyMechListMIC checks the signatures of SPNEGO's list of mechanisms (RFC 4178 5, MS-SPNG 3.3.5.1).
func (x *Exchange) verifyMechListMIC(keys ntlm.SessionKeys) {
	for _, side := range []struct {
		name string
		mic  []byte
		role ntlm.Role
	}{{CheckClientMIC, x.clientMIC, ntlm.Client}, {CheckServerMIC, x.serverMIC, ntlm.Server}} {
		switch {
		case side.mic == nil:
		case x.mechTypes == nil:
			x.check(side.name, Unchecked, "it takes the NegTokenInit to tell", "")
		case !x.authenticate.flags.Has(ntlm.ExtendedSessionSecurity):
			x.check(side.name, Unchecked, "there are no keys for it without EXTENDED_SESSIONSECURITY", "")
		default:
			if mic := ntlm.MechListMIC(keys.Exported, x.authenticate.flags, side.role, x.mechTypes); hmac.Equal(mic[:], side.mic) {
				x.check(side.name, Right, "the list of mechanisms is as it was sent", "")
			} else {
				x.check(side.name, Wrong, "the list of mechanisms is not as it was sent, or it is signed with another key", "")
			}
		}
	}
}

// Verified reports whether a password could be tried on an exchange at all, and what went wrong there, in the order in
// which one would look at it.
func (r *Report) Verified() (tried bool, failed []Check) {
	for _, x := range r.Exchanges {
		for _, c := range x.Checks {
			tried = tried || (c.Name == CheckProof || c.Name == CheckNTLMv1) && c.Result != Unchecked
			if c.Failed() {
				failed = append(failed, c)
			}
		}
	}
	return tried, failed
}

// String is a check as one sentence.
func (c Check) String() string {
	text := fmt.Sprintf("%s is %s: %s", c.Name, c.Result, c.Text)
	if c.Guess != "" {
		text += " (" + c.Guess + ")"
	}
	return text
}

// Untried says why no password could be tried: the first reason there is.
func (r *Report) Untried() string {
	for _, x := range r.Exchanges {
		for _, c := range x.Checks {
			if c.Result == Unchecked {
				return c.String()
			}
		}
	}
	return "there is no AUTHENTICATE_MESSAGE"
}

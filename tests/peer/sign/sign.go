// Package sign signs requests with AWS's own client for Go.
package sign

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Request is a request as it was received, with the headers that are to be signed, and with what to sign it.
type Request struct {
	Method, Path, Query, Body              string
	Headers                                map[string]string
	Access, Secret, Token, Region, Service string
}

// Signed has the value of the header Authorization.
type Signed struct {
	Authorization string `json:"authorization"`
}

// Run signs the request, for the time that its header X-Amz-Date says.
func (r Request) Run() (*Signed, error) {
	at, err := time.Parse("20060102T150405Z", r.Headers["x-amz-date"])
	if err != nil {
		return nil, err
	}
	target, err := url.Parse("http://" + r.Headers["host"] + r.Path + "?" + r.Query)
	if err != nil {
		return nil, err
	}
	request := &http.Request{Method: r.Method, URL: target, Host: target.Host, Header: http.Header{}}
	for name, value := range r.Headers {
		if name != "host" {
			request.Header.Set(name, value)
		}
	}
	sum := sha256.Sum256([]byte(r.Body))
	keys := aws.Credentials{AccessKeyID: r.Access, SecretAccessKey: r.Secret, SessionToken: r.Token}
	escape := func(options *v4.SignerOptions) { options.DisableURIPathEscaping = r.Service == "s3" }
	hash := hex.EncodeToString(sum[:])
	err = v4.NewSigner().SignHTTP(context.Background(), keys, request, hash, r.Service, r.Region, at, escape)
	if err != nil {
		return nil, err
	}
	return &Signed{request.Header.Get("Authorization")}, nil
}

// Signatures by Go's own crypto packages: see README.md of the folder above for what is read and written.
package main

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
)

var hashes = map[string]crypto.Hash{"SHA256": crypto.SHA256, "SHA384": crypto.SHA384, "SHA512": crypto.SHA512}

var pss = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func read(path string) []byte {
	bytes, err := os.ReadFile(path)
	check(err)
	return bytes
}

func digest(algorithm string, message []byte) (crypto.Hash, []byte) {
	hash := hashes[algorithm[strings.LastIndex(algorithm, "_")+1:]]
	state := hash.New()
	state.Write(message)
	return hash, state.Sum(nil)
}

func verifyEcdsa(key *ecdsa.PublicKey, format string, hashed, signature []byte) bool {
	if format == "der" {
		return ecdsa.VerifyASN1(key, hashed, signature)
	}
	size := (key.Curve.Params().BitSize + 7) / 8
	if len(signature) != 2*size {
		return false
	}
	r := new(big.Int).SetBytes(signature[:size])
	s := new(big.Int).SetBytes(signature[size:])
	return ecdsa.Verify(key, hashed, r, s)
}

func verify(algorithm, format string, spki, message, signature []byte) bool {
	key, err := x509.ParsePKIXPublicKey(spki)
	check(err)
	hash, hashed := digest(algorithm, message)
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return verifyEcdsa(key, format, hashed, signature)
	case *rsa.PublicKey:
		if strings.Contains(algorithm, "PSS") {
			return rsa.VerifyPSS(key, hash, hashed, signature, pss) == nil
		}
		return rsa.VerifyPKCS1v15(key, hash, hashed, signature) == nil
	}
	check(fmt.Errorf("a key of type %T", key))
	return false
}

func generate(keyType string) crypto.Signer {
	var key crypto.Signer
	var err error
	switch keyType {
	case "ec-p256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ec-p384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	default:
		var bits int
		_, err = fmt.Sscanf(keyType, "rsa-%d", &bits)
		check(err)
		key, err = rsa.GenerateKey(rand.Reader, bits)
	}
	check(err)
	return key
}

func p1363(der []byte, size int) []byte {
	var parts struct{ R, S *big.Int }
	_, err := asn1.Unmarshal(der, &parts)
	check(err)
	out := make([]byte, 2*size)
	parts.R.FillBytes(out[:size])
	parts.S.FillBytes(out[size:])
	return out
}

func sign(key crypto.Signer, algorithm, format string, message []byte) []byte {
	hash, hashed := digest(algorithm, message)
	var options crypto.SignerOpts = hash
	if strings.Contains(algorithm, "PSS") {
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	}
	signature, err := key.Sign(rand.Reader, hashed, options)
	check(err)
	if public, ok := key.Public().(*ecdsa.PublicKey); ok && format == "p1363" {
		return p1363(signature, (public.Curve.Params().BitSize+7)/8)
	}
	return signature
}

func main() {
	keys := map[string]crypto.Signer{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		switch os.Args[1] {
		case "verify": // ALGORITHM FORMAT KEY MESSAGE SIGNATURE
			if verify(words[0], words[1], read(words[2]), read(words[3]), read(words[4])) {
				fmt.Println("valid")
			} else {
				fmt.Println("invalid")
			}
		case "sign": // ALGORITHM FORMAT TYPE MESSAGE SIGNATURE, keys to the folder that is named
			key, known := keys[words[2]]
			if !known {
				key = generate(words[2])
				keys[words[2]] = key
				der, err := x509.MarshalPKCS8PrivateKey(key)
				check(err)
				check(os.WriteFile(filepath.Join(os.Args[2], words[2]+".pk8"), der, 0o600))
			}
			check(os.WriteFile(words[4], sign(key, words[0], words[1], read(words[3])), 0o600))
		}
	}
	check(lines.Err())
}

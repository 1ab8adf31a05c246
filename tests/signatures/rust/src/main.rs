// Signatures by RustCrypto: see README.md of the folder above for what is read and written.
use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::io::BufRead;
use std::path::Path;

use p256::pkcs8::{DecodePublicKey, EncodePrivateKey};
use rand_core::OsRng;
use rsa::signature::{RandomizedSigner, SignatureEncoding, Signer, Verifier};
use rsa::{pkcs1v15, pss, RsaPrivateKey, RsaPublicKey};
use sha2::{Sha256, Sha384, Sha512};

type Answer<T> = Result<T, Box<dyn Error>>;

enum Key {
    Rsa(RsaPrivateKey),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
}

// ---- verification: what cannot be parsed as a signature is invalid

macro_rules! verify_rsa {
    ($padding:ident, $hash:ty, $spki:expr, $message:expr, $signature:expr) => {{
        let key = $padding::VerifyingKey::<$hash>::new(RsaPublicKey::from_public_key_der($spki)?);
        $padding::Signature::try_from($signature)
            .and_then(|signature| key.verify($message, &signature))
            .is_ok()
    }};
}

macro_rules! verify_ecdsa {
    ($curve:ident, $format:expr, $spki:expr, $message:expr, $signature:expr) => {{
        let key = $curve::ecdsa::VerifyingKey::from_public_key_der($spki)?;
        let signature = if $format == "der" {
            $curve::ecdsa::Signature::from_der($signature)
        } else {
            $curve::ecdsa::Signature::from_slice($signature)
        };
        signature.and_then(|signature| key.verify($message, &signature)).is_ok()
    }};
}

fn verify(algorithm: &str, format: &str, spki: &[u8], message: &[u8], signature: &[u8]) -> Answer<bool> {
    Ok(match algorithm {
        "ECDSA_P256_SHA256" => verify_ecdsa!(p256, format, spki, message, signature),
        "ECDSA_P384_SHA384" => verify_ecdsa!(p384, format, spki, message, signature),
        "RSA_PKCS1_V15_SHA256" => verify_rsa!(pkcs1v15, Sha256, spki, message, signature),
        "RSA_PKCS1_V15_SHA384" => verify_rsa!(pkcs1v15, Sha384, spki, message, signature),
        "RSA_PKCS1_V15_SHA512" => verify_rsa!(pkcs1v15, Sha512, spki, message, signature),
        "RSA_PSS_SHA256" => verify_rsa!(pss, Sha256, spki, message, signature),
        "RSA_PSS_SHA384" => verify_rsa!(pss, Sha384, spki, message, signature),
        "RSA_PSS_SHA512" => verify_rsa!(pss, Sha512, spki, message, signature),
        _ => return Err(format!("no algorithm {algorithm}").into()),
    })
}

// ---- signing

fn generate(key_type: &str) -> Answer<Key> {
    Ok(match key_type {
        "ec-p256" => Key::P256(p256::ecdsa::SigningKey::random(&mut OsRng)),
        "ec-p384" => Key::P384(p384::ecdsa::SigningKey::random(&mut OsRng)),
        _ => Key::Rsa(RsaPrivateKey::new(&mut OsRng, key_type.trim_start_matches("rsa-").parse()?)?),
    })
}

fn pkcs8(key: &Key) -> Answer<Vec<u8>> {
    let document = match key {
        Key::Rsa(key) => key.to_pkcs8_der()?,
        Key::P256(key) => key.to_pkcs8_der()?,
        Key::P384(key) => key.to_pkcs8_der()?,
    };
    Ok(document.as_bytes().to_vec())
}

macro_rules! sign_ecdsa {
    ($curve:ident, $key:expr, $format:expr, $message:expr) => {{
        let signature: $curve::ecdsa::Signature = $key.sign($message);
        if $format == "der" { signature.to_der().as_bytes().to_vec() } else { signature.to_vec() }
    }};
}

fn sign_rsa(key: &RsaPrivateKey, algorithm: &str, message: &[u8]) -> Answer<Vec<u8>> {
    let key = key.clone();
    Ok(match algorithm {
        "RSA_PKCS1_V15_SHA256" => pkcs1v15::SigningKey::<Sha256>::new(key).sign(message).to_vec(),
        "RSA_PKCS1_V15_SHA384" => pkcs1v15::SigningKey::<Sha384>::new(key).sign(message).to_vec(),
        "RSA_PKCS1_V15_SHA512" => pkcs1v15::SigningKey::<Sha512>::new(key).sign(message).to_vec(),
        "RSA_PSS_SHA256" => pss::SigningKey::<Sha256>::new(key).sign_with_rng(&mut OsRng, message).to_vec(),
        "RSA_PSS_SHA384" => pss::SigningKey::<Sha384>::new(key).sign_with_rng(&mut OsRng, message).to_vec(),
        "RSA_PSS_SHA512" => pss::SigningKey::<Sha512>::new(key).sign_with_rng(&mut OsRng, message).to_vec(),
        _ => return Err(format!("no algorithm {algorithm}").into()),
    })
}

fn sign(key: &Key, algorithm: &str, format: &str, message: &[u8]) -> Answer<Vec<u8>> {
    Ok(match key {
        Key::Rsa(key) => sign_rsa(key, algorithm, message)?,
        Key::P256(key) => sign_ecdsa!(p256, key, format, message),
        Key::P384(key) => sign_ecdsa!(p384, key, format, message),
    })
}

fn main() -> Answer<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let mut keys: HashMap<String, Key> = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        if arguments[1] == "verify" {
            // ALGORITHM FORMAT KEY MESSAGE SIGNATURE
            let (key, message, signature) = (fs::read(words[2])?, fs::read(words[3])?, fs::read(words[4])?);
            let valid = verify(words[0], words[1], &key, &message, &signature)?;
            println!("{}", if valid { "valid" } else { "invalid" });
        } else {
            // ALGORITHM FORMAT TYPE MESSAGE SIGNATURE, keys to the folder that is named
            if !keys.contains_key(words[2]) {
                let key = generate(words[2])?;
                fs::write(Path::new(&arguments[2]).join(format!("{}.pk8", words[2])), pkcs8(&key)?)?;
                keys.insert(words[2].to_string(), key);
            }
            fs::write(words[4], sign(&keys[words[2]], words[0], words[1], &fs::read(words[3])?)?)?;
        }
    }
    Ok(())
}

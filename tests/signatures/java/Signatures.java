// Signatures by Java's own providers (SunRsaSign, SunEC): see README.md of the folder above for what is read and written.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.HashMap;
import java.util.Map;

public final class Signatures {
  private static final Map<String, Integer> DIGEST_BYTES = Map.of("256", 32, "384", 48, "512", 64);

  private static Signature algorithm(String name, String format) throws Exception {
    String bits = name.substring(name.length() - 3);
    if (name.startsWith("ECDSA")) {
      String suffix = format.equals("p1363") ? "inP1363Format" : "";
      return Signature.getInstance("SHA" + bits + "withECDSA" + suffix, "SunEC");
    }
    if (!name.startsWith("RSA_PSS")) return Signature.getInstance("SHA" + bits + "withRSA", "SunRsaSign");
    Signature pss = Signature.getInstance("RSASSA-PSS", "SunRsaSign");
    MGF1ParameterSpec mask = new MGF1ParameterSpec("SHA-" + bits);
    pss.setParameter(new PSSParameterSpec("SHA-" + bits, "MGF1", mask, DIGEST_BYTES.get(bits), 1));
    return pss;
  }

  private static byte[] read(String path) throws Exception {
    return Files.readAllBytes(Path.of(path));
  }

  // ALGORITHM FORMAT KEY MESSAGE SIGNATURE
  private static boolean verify(String[] words) throws Exception {
    String kind = words[0].startsWith("ECDSA") ? "EC" : "RSA";
    PublicKey key = KeyFactory.getInstance(kind).generatePublic(new X509EncodedKeySpec(read(words[2])));
    Signature verifier = algorithm(words[0], words[1]);
    verifier.initVerify(key);
    verifier.update(read(words[3]));
    try {
      return verifier.verify(read(words[4]));
    } catch (SignatureException malformed) {
      return false;
    }
  }

  private static KeyPair generate(String type) throws Exception {
    if (type.startsWith("rsa-")) {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA", "SunRsaSign");
      generator.initialize(Integer.parseInt(type.substring(4)));
      return generator.generateKeyPair();
    }
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", "SunEC");
    generator.initialize(new ECGenParameterSpec(type.equals("ec-p256") ? "secp256r1" : "secp384r1"));
    return generator.generateKeyPair();
  }

  // ALGORITHM FORMAT TYPE MESSAGE SIGNATURE, keys to the folder
  private static void sign(String[] words, Map<String, KeyPair> keys, String folder) throws Exception {
    KeyPair key = keys.get(words[2]);
    if (key == null) {
      key = generate(words[2]);
      keys.put(words[2], key);
      Files.write(Path.of(folder, words[2] + ".pk8"), key.getPrivate().getEncoded());
    }
    Signature signer = algorithm(words[0], words[1]);
    signer.initSign(key.getPrivate());
    signer.update(read(words[3]));
    Files.write(Path.of(words[4]), signer.sign());
  }

  public static void main(String[] arguments) throws Exception {
    Map<String, KeyPair> keys = new HashMap<>();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] words = line.split(" ");
      if (arguments[0].equals("verify")) {
        System.out.println(verify(words) ? "valid" : "invalid");
      } else {
        sign(words, keys, arguments[1]);
      }
    }
  }
}

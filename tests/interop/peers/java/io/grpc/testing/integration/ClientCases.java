package io.grpc.testing.integration;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;

/**
 * grpc-java's own TestServiceClient, several cases in one process: starting a virtual machine takes longer than most of them.
 * Arguments are its own flags and then names of cases; one line a case: "ok  NAME" or "FAIL  NAME  why". A --server_host that
 * begins with "unix:" is a Unix socket.
 */
public final class ClientCases {
  private static final ReceivedMessages received = new ReceivedMessages();

  public static void main(String[] words) {
    List<String> flags = new ArrayList<>();
    List<String> cases = new ArrayList<>();
    for (String word : words) {
      (word.startsWith("--") ? flags : cases).add(word);
    }
    received.observe();
    boolean failed = false;
    for (String name : cases) {
      try {
        run(flags, name);
        System.out.println("ok    " + name);
      } catch (Throwable error) {
        failed = true;
        System.out.println("FAIL  " + name + "  " + String.valueOf(error).replace('\n', ' '));
      }
    }
    System.exit(failed ? 1 : 0);
  }

  private static void run(List<String> flags, String name) throws Throwable {
    received.take();
    String host = valueOf(flags, "server_host");
    if (host.startsWith("unix:")) {
      new TargetTester(host, valueOf(flags, "server_host_override")).run(name);
    } else if (name.equals("concurrent_large_unary")) {
      String target = "dns:///" + host + ":" + valueOf(flags, "server_port");
      new TargetTester(target, valueOf(flags, "server_host_override")).run(name);
    } else {
      runOfficial(flags, name);
    }
    if (name.startsWith("server_compressed_") && !received.take().equals(List.of(true, false))) {
      throw new AssertionError("not the first reply compressed, and the second plain");
    }
  }

  /** null: no such flag. */
  private static String valueOf(List<String> flags, String name) {
    String start = "--" + name + "=";
    return flags.stream().filter(flag -> flag.startsWith(start)).map(flag -> flag.substring(start.length())).findFirst()
        .orElse(null);
  }

  private static void runOfficial(List<String> flags, String name) throws Throwable {
    TestServiceClient client = new TestServiceClient();
    List<String> own = new ArrayList<>(flags);
    own.add("--test_case=" + name);
    client.parseArgs(own.toArray(new String[0]));
    client.setUp();
    try {
      Method runTest = TestServiceClient.class.getDeclaredMethod("runTest", TestCases.class);
      runTest.setAccessible(true);
      runTest.invoke(client, TestCases.fromString(name));
    } catch (InvocationTargetException error) {
      throw error.getCause();
    } finally {
      Method tearDown = TestServiceClient.class.getDeclaredMethod("tearDown");
      tearDown.setAccessible(true);
      tearDown.invoke(client);
    }
  }

  private ClientCases() {}
}

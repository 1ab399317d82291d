import java.nio.ByteBuffer;

/** Loads a C program that is a library, and calls it: arguments are PROGRAM MODEL WORD... */
public final class Program {
  private static native int run(ByteBuffer words);

  public static void main(String[] arguments) {
    System.load(arguments[0]);
    String[] rest = java.util.Arrays.copyOfRange(arguments, 1, arguments.length);
    byte[] text = (String.join("\0", rest) + "\0").getBytes();
    ByteBuffer words = ByteBuffer.allocateDirect(text.length);
    words.put(text);
    System.exit(run(words));
  }
}

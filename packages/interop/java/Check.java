package interop;

/** One thing that a server must do for a program; its body throws when the server does not. */
record Check(String name, Body body) {
  /** Returns when all is as it must be. */
  interface Body {
    void run(World world) throws Exception;
  }
}

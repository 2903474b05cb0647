/// What is shipped for a shell: the argument parser's script, and what it leaves out.
public enum CompletionScript: String, CaseIterable, Sendable {
  case bash, zsh, fish

  /// Its name in `completions/`, as the shell looks for it.
  public var file: String {
    switch self {
    case .bash: "qq.bash"
    case .zsh: "_qq"
    case .fish: "qq.fish"
    }
  }

  public func text(_ generated: String) -> String {
    switch self {
    case .bash:
      generated + """

        # Groups begin with "@", at which bash begins another word, since a host's name might follow.
        shopt -u hostcomplete
        COMP_WORDBREAKS=${COMP_WORDBREAKS//@}

        """
    case .zsh, .fish: generated
    }
  }
}

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
      Self.withoutExpansion(generated) + """

        # Groups begin with "@", at which bash begins another word, since a host's name might follow.
        shopt -u hostcomplete
        COMP_WORDBREAKS=${COMP_WORDBREAKS//@}

        """
    case .zsh, .fish: generated
    }
  }

  /// bash's `compgen -W` expands its words, command substitutions included, and the parser's script gives it names that
  /// come from a hub. They are compared here, and quoted: a name is never more than a name.
  private static func withoutExpansion(_ script: String) -> String {
    script.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      // Its end is the end of the substitution, and of the quotes around it.
      guard let start = line.firstRange(of: "__qq_add_completions -W \"$(")?.upperBound, line.hasSuffix(")\"") else {
        return String(line)
      }
      let indent = line.prefix { $0 == " " }
      return indent + "__qq_add_names < <(" + line[start...].dropLast(2) + ")"
    }.joined(separator: "\n") + """

      # What stands on standard input, a name a line, as far as it goes on with the current word.
      __qq_add_names() {
          local name
          while IFS='' read -r name; do
              if [[ -n "${name}" && "${name}" == "${cur}"* ]]; then
                  [[ "${name}" == *[!a-zA-Z0-9@._:,%-]* ]] && printf -v name %q "${name}"
                  COMPREPLY+=("${name}")
              fi
          done
      }

      """
  }
}

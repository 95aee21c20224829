extension BuilderTable {
  /// The table that the program brings along, so that it needs no file; a test compares it with
  /// `attestations/policies/slsa-builders.json`, which is where it is changed.
  public static let builtIn: BuilderTable = {
    do { return try BuilderTable(parsing: Array(builtInText.utf8)) } catch {
      fatalError("the table is wrong: \(error)")
    }
  }()

  static let builtInText = #"""
    {
      "type": "rustynet-slsa-builders/v1",
      "checked": "2026-11-22",
      "signers": [
        {
          "signer": "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/delegator_lowperms-generic_slsa3.yml",
          "issuer": "https://token.actions.githubusercontent.com",
          "builders": [
            "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/builder_gradle_slsa3.yml",
            "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/builder_maven_slsa3.yml",
            "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/builder_nodejs_slsa3.yml",
            "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/builder_bazel_slsa3.yml",
            "https://github.com/slsa-framework/example-trw/.github/workflows/builder_low-perms_slsa3.yml"
          ],
          "source": "https://github.com/slsa-framework/slsa-github-generator/blob/v2.1.0/BYOB.md: the delegator reads the calling builder from its identity token and writes it into builder.id"
        },
        {
          "signer": "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/delegator_generic_slsa3.yml",
          "issuer": "https://token.actions.githubusercontent.com",
          "builders": [
            "https://github.com/slsa-framework/example-trw/.github/workflows/builder_high-perms_slsa3.yml",
            "https://github.com/slsa-framework/example-trw/.github/workflows/builder_high-perms-checkout_slsa3.yml"
          ],
          "source": "https://github.com/slsa-framework/slsa-github-generator/blob/v2.1.0/BYOB.md: as above, for builders with write permissions"
        },
        {
          "signer": "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/delegator_generic_slsa3.yml",
          "ref": "refs/heads/main",
          "issuer": "https://token.actions.githubusercontent.com",
          "builders": [
            "https://github.com/slsa-framework/example-trw/.github/workflows/builder_high-perms_slsa3.yml"
          ],
          "repositories": ["git+https://github.com/slsa-framework/example-package"],
          "source": "slsa-framework/slsa-verifier verifiers/internal/gha/builder.go: the generator's own end-to-end tests run at main, in this repository only"
        }
      ],
      "runners": [
        {
          "builder": "https://github.com/actions/runner/github-hosted",
          "issuer": "https://token.actions.githubusercontent.com",
          "environment": "github-hosted",
          "source": "https://github.com/npm/documentation and npm/cli workspaces/libnpmpublish/lib/provenance.js: npm names the runner, and the workflow itself signs"
        },
        {
          "builder": "https://github.com/actions/runner/self-hosted",
          "issuer": "https://token.actions.githubusercontent.com",
          "environment": "self-hosted",
          "source": "as above"
        },
        {
          "builder": "https://github.com/actions/runner",
          "issuer": "https://token.actions.githubusercontent.com",
          "source": "as above, in provenance of 2023, before the kind of runner was named"
        }
      ]
    }

    """#
}

/// How the page of a pack looks, for `PackPage`. A table of text.
enum PackStyle {
  static let sheet: HTML = """
    :root { --text: #1c2024; --quiet: #5b6470; --line: #d8dce1; --page: #fff; --panel: #f6f7f9;
      --good: #0b6b3a; --bad: #b3261e; --wait: #7a5200; --good-back: #e5f4ea; --bad-back: #fce8e6; --wait-back: #fdf1d8; }
    @media (prefers-color-scheme: dark) { :root { --text: #e7eaee; --quiet: #9aa4b0; --line: #343a42; --page: #14171b;
      --panel: #1c2026; --good: #6fd49a; --bad: #ff9d94; --wait: #f0c36a; --good-back: #15301f; --bad-back: #3a1a18;
      --wait-back: #33280f; } }
    * { box-sizing: border-box; }
    body { margin: 0 auto; max-width: 68rem; padding: 1.5rem 1rem 4rem; background: var(--page); color: var(--text);
      font: 16px/1.5 system-ui, sans-serif; }
    h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; }
    h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
    .verdict { border-left: .5rem solid; padding: 1rem 1.2rem; border-radius: .3rem; }
    .verdict p { margin: .4rem 0 0; color: var(--text); }
    .verdict.passed { border-color: var(--good); background: var(--good-back); }
    .verdict.failed { border-color: var(--bad); background: var(--bad-back); }
    .tag { display: inline-block; min-width: 5.2rem; text-align: center; padding: 0 .5rem; border-radius: .25rem;
      font-size: .85rem; font-weight: 600; }
    .tag.passed { color: var(--good); background: var(--good-back); }
    .tag.failed { color: var(--bad); background: var(--bad-back); }
    .tag.not-run, .tag.deferred { color: var(--wait); background: var(--wait-back); }
    details { border: 1px solid var(--line); border-radius: .3rem; margin: .4rem 0; background: var(--panel); }
    summary { cursor: pointer; padding: .5rem .8rem; }
    summary .meta { color: var(--quiet); font-size: .85rem; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; width: 100%; font-size: .88rem; background: var(--page); }
    th, td { text-align: left; vertical-align: top; padding: .35rem .7rem; border-top: 1px solid var(--line); }
    th { color: var(--quiet); font-weight: 600; }
    code, .mono { font: .82rem/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
    .quiet { color: var(--quiet); }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.2rem; margin: 0; }
    dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
    @media (max-width: 40rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
    """
}

/// The page's look: one column that becomes wider, colours for light and dark.
let stylesheet = """
    :root { --ink: #1b1f24; --soft: #5b6470; --paper: #fff; --panel: #f5f6f8; --rule: #d8dce1;
      --ours: #2463eb; --floor: #7b8491; --good: #1a8a4b; --bad: #d1401f; --free: #2463eb;
      --peer0: #d9730d; --peer1: #9241c9; --peer2: #0b8c86; --peer3: #c2307a; --peer4: #8a6d1d;
      --line0: #2463eb; --line1: #1a8a4b; --line2: #c2307a; --line3: #8a6d1d; --line4: #5b6470 }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e3e6ea; --soft: #98a2ae; --paper: #14171b; --panel: #1d2126; --rule: #353b43;
        --ours: #6ea0ff; --floor: #98a2ae; --good: #45c07c; --bad: #ff7a59; --free: #6ea0ff;
        --peer0: #f2a04d; --peer1: #c48cf0; --peer2: #4fc9c2; --peer3: #f078b2; --peer4: #d3b55c;
        --line0: #6ea0ff; --line1: #45c07c; --line2: #f078b2; --line3: #d3b55c; --line4: #98a2ae } }
    * { box-sizing: border-box }
    body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 64rem; background: var(--paper); color: var(--ink);
      font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
    h1 { font-size: 1.9rem; margin: 0 } h2 { font-size: 1.25rem; margin: 2.5rem 0 .3rem }
    h3 { font-size: .8rem; margin: 1rem 0 .2rem; color: var(--soft); font-weight: 600; letter-spacing: .04em }
    p { margin: .3rem 0 .8rem; color: var(--soft) } code { font-size: .95em }
    .warning { color: var(--bad); font-weight: 600 }
    .facts { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0 0 }
    .facts div { background: var(--panel); border-radius: .5rem; padding: .6rem 1rem; flex: 1 1 10rem }
    .facts dd { margin: 0; font-size: 1.4rem; font-weight: 650; font-variant-numeric: tabular-nums }
    .facts dt { color: var(--soft); font-size: .85rem }
    .legend { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; font-size: .85rem }
    .legend span { display: inline-flex; align-items: center; gap: .4rem }
    .legend i { width: .8rem; height: .8rem; border-radius: .2rem }
    .legend svg { width: 28px; height: 6px; stroke-width: 2.5; fill: none }

    .bars .row { display: grid; grid-template-columns: 15rem 1fr 3.6rem; align-items: center; gap: .6rem; padding: .12rem 0 }
    .bars .name { font-size: .9rem; overflow-wrap: anywhere }
    .bars .value { font-variant-numeric: tabular-nums; text-align: right; font-size: .9rem }
    .bars em { font-style: normal; color: var(--bad) }
    .bars .track { position: relative; display: block; height: 1.05rem; background: var(--panel); border-radius: .2rem }
    .bars .track::after { content: ""; position: absolute; left: var(--one); top: -.12rem; bottom: -.12rem; width: 1px;
      background: var(--soft) }
    .bars b { position: absolute; display: block } .bars .bar { top: 0; bottom: 0; border-radius: .2rem; opacity: .85 }
    .met .bar { background: var(--good) } .missed .bar { background: var(--bad) } .free .bar { background: var(--free) }
    .bars .overflow { mask-image: linear-gradient(to right, #000 88%, transparent) }
    .bars .interval { top: 50%; height: 2px; margin-top: -1px; background: var(--ink) }
    .bars .goal { top: -.15rem; bottom: -.15rem; width: 3px; margin-left: -1px; background: var(--ink); border-radius: 1px }
    .bars .group { grid-template-columns: 15rem 1fr; align-items: start; padding: .25rem 0 }
    .bars .tracks { display: grid; grid-template-columns: 1fr 3.6rem; gap: .12rem .6rem; align-items: center }

    .cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: .8rem }
    .card { margin: 0; background: var(--panel); border-radius: .5rem; padding: .6rem .8rem .4rem }
    .card figcaption { font-size: .85rem; margin-bottom: .3rem; overflow-wrap: anywhere }
    .strips { position: relative; padding: .1rem 0 1.4rem; margin: 0 1rem 0 .9rem }
    .grid i { position: absolute; top: 0; bottom: 1.2rem; width: 1px; background: var(--rule) }
    .grid span { position: absolute; bottom: -1.25rem; left: 0; transform: translateX(-50%); white-space: nowrap;
      font: 11px system-ui, sans-serif; color: var(--soft) }
    .strip { position: relative; height: 1rem } .strip b { position: absolute; display: block; background: currentColor }
    .strip .reach { top: 50%; height: 1px } .strip .box { top: .2rem; bottom: .2rem; border-radius: 2px; opacity: .55 }
    .strip .median { top: .05rem; bottom: .05rem; width: 3px; margin-left: -1px; border-radius: 1px }

    .plot { position: relative; height: 19rem; margin: .5rem .8rem 2rem 3.6rem; border-left: 1px solid var(--rule) }
    .plot svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible }
    .plot path { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; stroke-linejoin: round }
    .plot .rule { position: absolute; left: 0; right: 0; border-top: 1px solid var(--rule) }
    .plot .rule span { position: absolute; right: 100%; transform: translateY(-50%); padding-right: .4rem;
      white-space: nowrap; font: 12px system-ui, sans-serif; color: var(--soft) }
    .plot .dot { position: absolute; width: 8px; height: 8px; margin: 0 0 -4px -4px; border-radius: 50%;
      border: 1px solid var(--paper) }
    .plot .size { position: absolute; top: 100%; transform: translateX(-50%); padding-top: .35rem; white-space: nowrap;
      font-size: .8rem; color: var(--soft) }

    .scroll { overflow-x: auto } table { border-collapse: collapse; font-size: .87rem; font-variant-numeric: tabular-nums }
    th, td { border-bottom: 1px solid var(--rule); padding: .25rem .7rem; text-align: right; white-space: nowrap }
    th { font-weight: 600 } th:first-child { text-align: left; position: sticky; left: 0; background: var(--paper) }
    tr th:first-child { font-weight: 450 } footer { margin-top: 2.5rem; border-top: 1px solid var(--rule) }
    ul { color: var(--soft) }
    @media (max-width: 40rem) {
      .bars .row { grid-template-columns: 1fr 3.2rem; gap: 0 .6rem; padding: .2rem 0 }
      .bars .row .name { grid-column: 1 / -1 } .bars .group { grid-template-columns: 1fr }
      .bars .tracks { grid-template-columns: 1fr 3.2rem } .plot { height: 15rem; margin-left: 3rem }
      .plot .size { font-size: .7rem } }
    @media print { body { max-width: none } .card, .bars .row { break-inside: avoid } }
    """

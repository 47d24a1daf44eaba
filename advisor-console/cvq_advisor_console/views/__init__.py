"""What the pages show: one frozen value a page and a live region, filled by the handlers, drawn by the templates.

A handler gives its template `view` (the page's or the region's value), and a page `shell` as well. Instants are aware;
amounts are cents; sentences are already in the language of the person who reads them. `Act` is something that can be
asked of the server, `Region` where a live region is fetched anew; both come from `cvq_core.web.views`.

    secretary   `SecretaryPage` and its regions
    console     `ConsolePage`, `DockPage` and the regions that they share
    cash        `CashPage`
    visits      `VisitsLogPage`, `HelpPage`
"""

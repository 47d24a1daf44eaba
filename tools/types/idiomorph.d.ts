/** What the pages' modules use of idiomorph, which carries no types of its own. */

export const Idiomorph: {
  morph(
    old: Element,
    next: string | Node | Iterable<Node>,
    options?: {
      morphStyle?: "outerHTML" | "innerHTML";
      ignoreActive?: boolean;
      ignoreActiveValue?: boolean;
      restoreFocus?: boolean;
      callbacks?: {
        beforeNodeAdded?: (node: Node) => boolean | undefined;
        beforeNodeMorphed?: (old: Node, next: Node) => boolean | undefined;
        beforeNodeRemoved?: (node: Node) => boolean | undefined;
        beforeAttributeUpdated?: (name: string, element: Element, how: "update" | "remove") => boolean | undefined;
      };
    },
  ): Node[];
};

// draw.ts - what a component without hooks draws, as text and as a list of its elements; no browser

import type { ComponentChildren, VNode } from 'preact';

export interface Drawn {
  text: string;
  elements: { type: string; props: Record<string, unknown> }[];
}

type Drawable = (props: object) => ComponentChildren;

export function draw(node: ComponentChildren): Drawn {
  const drawn: Drawn = { text: '', elements: [] };
  const take = (child: ComponentChildren): void => {
    if (child === null || child === undefined || typeof child === 'boolean') return;
    if (Array.isArray(child)) {
      child.forEach(take);
    } else if (typeof child === 'object') {
      const { type, props } = child as VNode<{ children?: ComponentChildren }>;
      if (typeof type === 'function') {
        take((type as Drawable)(props));
      } else {
        drawn.elements.push({ type, props: props as Record<string, unknown> });
        take(props.children);
      }
    } else {
      drawn.text += String(child);
    }
  };
  take(node);
  return drawn;
}

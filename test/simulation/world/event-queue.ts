/** Something that happens at a moment of virtual time. */
export interface WorldEvent {
  readonly time: number;
  /** Grows with each event made: of two at the same moment, the older one first. */
  readonly order: number;
  cancelled: boolean;
}

/** A binary heap: events come out by time, then by order. */
export interface EventQueue<E extends WorldEvent> {
  readonly push: (event: E) => void;
  readonly pop: () => E | undefined;
  readonly peek: () => E | undefined;
  readonly size: () => number;
}

export function createEventQueue<E extends WorldEvent>(): EventQueue<E> {
  const heap: E[] = [];
  const at = (index: number): E => heap[index] as E;
  const isBefore = (a: E, b: E): boolean => a.time < b.time || (a.time === b.time && a.order < b.order);

  function swap(i: number, j: number): void {
    [heap[i], heap[j]] = [at(j), at(i)];
  }

  function sink(): void {
    for (let i = 0; ; ) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      let least = i;
      if (left < heap.length && isBefore(at(left), at(least))) least = left;
      if (right < heap.length && isBefore(at(right), at(least))) least = right;
      if (least === i) return;
      swap(i, least);
      i = least;
    }
  }

  return {
    push(event) {
      let i = heap.push(event) - 1;
      while (i > 0) {
        const parent = (i - 1) >> 1;
        if (!isBefore(at(i), at(parent))) return;
        swap(i, parent);
        i = parent;
      }
    },
    pop() {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined || heap.length === 0) return first;
      heap[0] = last;
      sink();
      return first;
    },
    peek: () => heap[0],
    size: () => heap.length,
  };
}

// The types of what `shared.js` gives to the scripts of the interactives, for `make scripts`. No page loads this file.

type Attributes = Record<string, any>;
type Part = Node | string;
type Point = number[];
type Box = Point[];

/** Rows of weights and a bias, one an expert. */
interface Gate { weight: number[][]; bias: number[]; }

/** What `_interactive.style()` gives: limits and ticks of the plane, colours, line styles, markers. */
interface Style { f1: Point; f2: Point; ticks: number[][]; colours: string[]; dashes: string[];
  markers: Record<string, [string, boolean]>; }

interface Control { input: HTMLInputElement | HTMLSelectElement; element: HTMLElement; value: any; }
interface Axis { from: number; to: number; ticks: number[]; label: string; name: string; }
interface Axes { parts: SVGElement[]; x(value: number): number; y(value: number): number; at(place: Point): Point; }
interface GateLine { i: number; j: number; line: Box; border: Box | null; }

interface Plane extends Omit<Axes, "parts"> {
  element: SVGSVGElement; box: Box; under: SVGElement; over: SVGElement;
  showCases(inputs: Point[], vowels: string[]): void;
  paint(colour: (input: Point) => number[], steps?: number): void;
  paintGate(gate: Gate, steps?: number): void;
  showGateLines(gate: Gate): GateLine[];
  decisionLine(weight: ArrayLike<number>, bias: number, expert: number, attributes?: Attributes): SVGElement | null;
}

interface Moe {
  start(build: (live: HTMLElement, data: any, root: Element) => () => object): void;
  html(name: string, attributes?: Attributes, ...children: Part[]): any;
  svg(name: string, attributes?: Attributes, ...children: Part[]): any;
  set(element: Element, attributes: Attributes): void;
  slider(control: { label: string; name: string; min: number; max: number; step: number; value: number;
    show?: (value: number) => string; changed: (value: number) => void; }): Control & { input: HTMLInputElement };
  choice(control: { label: string; name: string; options: any[][]; value: any;
    changed: (value: string) => void; }): Control & { input: HTMLSelectElement };
  number(control: { label: string; name: string; min: number; max: number; value: number;
    changed: (value: number) => void; }): Control & { input: HTMLInputElement };
  button(text: string, pressed: () => void, attributes?: Attributes): HTMLButtonElement;
  controls(...parts: (Control | Part)[]): HTMLElement;
  staying(...parts: (Control | Part)[]): HTMLElement;
  group(title: string, ...parts: (Control | Part)[]): HTMLElement;
  options(values: any[]): any[][];
  unique(name: string): string;
  range(count: number): number[];
  format(value: number, digits: number): string;
  dot(a: number[], b: number[]): number;
  softmax(scores: number[]): number[];
  sigmoid(total: number): number;
  proportions(gate: Gate, x: number[]): number[];
  draggable(drawing: SVGSVGElement, handle: SVGElement, moved: (place: Point) => void): (event: PointerEvent) => Point;
  clip(weight: number[], bias: number, box: Box): Box | null;
  within(line: Box, wanted: ((place: Point) => number)[]): Box | null;
  axes(width: number, height: number, across: Axis, up: Axis, free?: number): Axes;
  framed(width: number, height: number):
    { element: SVGSVGElement; inner: SVGElement; outer: SVGElement; inside: Attributes };
  errorCurves(drawing: SVGElement, height: number, across: { to: number; ticks: number[] },
    up: { to: number; ticks: number[] }, criterion: number, curves: Attributes[], free?: number): Axes;
  plane(style: Style, label: string): Plane;
  legend(style: Style, names: Record<string, string>): HTMLElement;
  bars(style: Style, experts: number, rows: string[], label: string):
    { element: SVGSVGElement; room: number; show(values: Record<string, number[]>): void };
  calm(): boolean;
  tint(hex: string): number[];
}

/** What `shared_em.js` adds, for the scripts that come after it. */
interface MoeOfEM {
  three(value: number): string;
  risen(value: number): string;
  sum(values: number[]): number;
  total(count: number, of: (n: number) => number): number;
  logSum(values: number[]): number;
  solved(matrix: number[][], right: number[]): number[];
  climbed<Weights>(value: (weights: Weights) => number, weights: Weights, at: (length: number) => Weights): Weights;
  presses(columns: string[]): { element: HTMLElement; show(rows: string[][]): void };
}

/** What `shared_vowels.js` adds. A model's weights are rows of a weight of F1, a weight of F2 and a bias. */
interface Model { weights: Float64Array[]; gradients: Float64Array[]; y: Float64Array; p?: Float64Array;
  answer(f1: number, f2: number): void; learn(n: number): void; }
interface Learner { model: Model; curve: number[]; }
interface Shares { mean: number[]; largest: number[]; cases: number[]; }
interface VowelTask {
  count: number; training: number; x1: Float64Array; x2: Float64Array; M: number; d: Float64Array;
  uniform(seed: number, length: number): Float64Array;
  mixture(K: number, loss: string, variance: number, seed: number): Model;
  decided(y: Float64Array): number;
  look(learner: Learner): void;
  update(learner: Learner, stepSize: number): void;
  shares(model: Model): Shares;
  percentages(model: Model): string[];
}
interface MoeOfVowels {
  vowelTask(data: any, targets: number[][]): VowelTask;
  vowelMap(data: any): { element: SVGSVGElement; show(model: Model, task: VowelTask, shares: Shares, epochs: number): void };
}

declare const moe: Moe & MoeOfEM & MoeOfVowels;
interface Window { moe: Moe; moeElements?: number; }

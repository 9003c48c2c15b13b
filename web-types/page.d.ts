// Types that the page's modules share: requests to the API, elements, films on a canvas. The API's own are in api.d.ts.

declare namespace Page {
  // Requests ----------------------------------------------------------------------------------------------------------

  interface Options {
    method?: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
    body?: unknown;
    headers?: Record<string, string>;
    as?: "json" | "bytes" | "response";
    signal?: AbortSignal;
    /** Sent even while the page is being left. */
    keepalive?: boolean;
  }

  type Bare<P extends string> = P extends `${infer Path}?${string}` ? Path : P;
  type Segment<T extends string, P extends string> =
    T extends `{${string}}${infer End}` ? (P extends `${string}${End}` ? true : false) : P extends T ? true : false;
  /** Whether the path P, of which parts may be known as strings only, is one of the template T. */
  type Matches<T extends string, P extends string> = T extends `${infer T1}/${infer T2}`
    ? P extends `${infer P1}/${infer P2}`
      ? Segment<T1, P1> extends true ? Matches<T2, P2> : false
      : false
    : P extends `${string}/${string}` ? false : Segment<T, P>;
  type Templates<M extends string, P extends string> = {
    [K in keyof Api.Operations]: K extends `${M} ${infer T}` ? (Matches<T, P> extends true ? K : never) : never;
  }[keyof Api.Operations];
  type Operation<M extends string, P extends string> =
    `${M} ${P}` extends keyof Api.Operations ? Api.Operations[`${M} ${P}`] : Api.Operations[Templates<M, P>];
  type MethodOf<O> = O extends { method: infer M extends string } ? M : O extends { body: unknown } ? "POST" : "GET";
  type Called<P extends string, O> = Operation<MethodOf<O>, Bare<P>>;

  type Answer<P extends string, O> = O extends { as: "response" } ? Response
    : O extends { as: "bytes" } ? ArrayBuffer
    : Called<P, O>["response"];

  /** `api(path, options)`: what is sent and what comes back are those of the path. */
  type Call = <P extends string, const O extends Options = {}>(
    path: P,
    options?: O & { body?: Blob | Called<P, O>["body"] },
  ) => Promise<Answer<P, O>>;

  /** What an operation answers, such as Returned<"GET /lab">. */
  type Returned<K extends keyof Api.Operations> = Api.Operations[K]["response"];

  /** What an operation is sent, such as Sent<"PATCH /settings">. */
  type Sent<K extends keyof Api.Operations> = Api.Operations[K] extends { body: infer B } ? B : never;

  // Elements ----------------------------------------------------------------------------------------------------------

  type Tag<T> = T extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[T] : HTMLElement;
  type Found<S extends string> = S extends `#${infer Id}`
    ? Id extends keyof Api.Elements ? Tag<Api.Elements[Id]> : HTMLElement
    : HTMLElement;
  type Made<T extends string> = T extends `svg:${infer K}`
    ? K extends keyof SVGElementTagNameMap ? SVGElementTagNameMap[K] : never
    : Tag<T>;

  type Child = Node | string | number | boolean | null | undefined;
  type Handler<E, V extends Event> = (event: V & { target: E }) => unknown;
  interface Attributes<E> {
    dataset?: Record<string, string | number>;
    onclick?: Handler<E, MouseEvent>;
    onchange?: Handler<E, Event>;
    oninput?: Handler<E, Event>;
    onsubmit?: Handler<E, SubmitEvent>;
    onerror?: Handler<E, Event>;
    [name: string]: Child | Record<string, string | number> | Handler<E, never>;
  }

  interface ToastOptions {
    kind?: string;
    action?: string;
    run?: () => unknown;
    lasts?: number;
  }

  // Films -------------------------------------------------------------------------------------------------------------

  /** A film at one size: samples row by row, white = dense. */
  interface Level {
    samples: Uint16Array;
    width: number;
    height: number;
  }

  /** A film as a `FilmCanvas` shows it. */
  interface Film extends Level {
    bits: number;
    low?: number;
    high?: number;
    name?: string;
    spacingMm?: number | null;
    /** Proof that this page had the pixels, for `POST /films/{film}/seen`. */
    ticket?: string;
    /** Which of its file's frames it is. */
    frame?: number;
    /** How the file asks to be shown, and of whom it is. */
    about?: Returned<"GET /films/{film}/about">;
    /** The window it is shown with at first, and all that are offered. */
    first?: Window;
    windows?: Window[];
    levels?: Level[];
    dark?: Film;
  }

  /** One that the API has sent: everything is known of it. */
  type FilmOfApi = Film & Required<Pick<Film, "low" | "high" | "name" | "spacingMm" | "ticket" | "about" | "frame">>;

  interface Window {
    centre: number;
    width: number;
    name?: string;
    /** LINEAR where none is named: DICOM PS3.3 C.11.2.1. */
    function?: string;
    lut?: Lut;
  }

  /** Sample `first` + i is shown as values[i] of 2^bits − 1. */
  interface Lut {
    first: number;
    bits: number;
    values: Uint16Array;
  }

  /** A ruler on a film, in its pixels. */
  interface Line {
    from: Point;
    to: Point;
    words: string;
    held: number;
  }

  interface View {
    x: number;
    y: number;
    zoom: number;
  }

  interface Point {
    x: number;
    y: number;
  }

  type Box = readonly [top: number, left: number, bottom: number, right: number];

  /** A picture over a film, or the outline of a box. */
  type Overlay = Picture | Outline;
  interface Over {
    opacity?: number;
    name?: string;
  }
  interface Picture extends Over {
    picture: CanvasImageSource;
    box: Box;
    inner: Box;
    smooth?: boolean;
  }
  interface Outline extends Over {
    outline: Box;
    colour?: string;
  }

  /** A grey picture, a byte a pixel. */
  interface Grey {
    width: number;
    height: number;
    values: Uint8Array;
  }

  type Colour = readonly number[];
}

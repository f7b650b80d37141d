// A picture, in one of the raster formats that nothing can hide in.

export function Picture({ value, unfit }: { value: { media: string; data: string; alt?: string }; unfit?: string }) {
  if (unfit) return <p className="pb-note-line">A picture that is not shown: {unfit}.</p>;
  return (
    <figure className="pb-picture">
      <img src={`data:${value.media};base64,${value.data}`} alt={value.alt ?? ""} />
      {value.alt && <figcaption>{value.alt}</figcaption>}
    </figure>
  );
}

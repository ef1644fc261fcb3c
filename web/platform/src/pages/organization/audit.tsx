import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="audit" />;

export default Page;
